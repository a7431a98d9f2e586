// Puts the parts of the page together, and keeps what is looked at in its address, so that it can be passed on.

readColours();

const views = [];

/** The proofs: those in the page's words get their picture, the others follow behind a fold. */
function drawProofs(choose) {
  const sections = [...document.querySelectorAll("section.proof")];
  const others = [];
  for (const proof of data.proofs) {
    const section = sections.find((one) => one.dataset.property === proof.property && proof.invalid);
    if (!section) {
      others.push(proof);
      continue;
    }
    const messages = messageView(proof, section.querySelector(".around"));
    const look = (one) => {
      choose(one);
      messages.look(one);
    };
    const picture = drawProof(proof, look);
    if (picture) section.querySelector(".picture").append(picture, pictureLegend(proof));
    const graph = drawGraph(proof, look);
    if (graph) section.querySelector(".graph").append(el("h3", {}, "What has to come before what"), el("div", { className: "picture" }, graph));
    for (const row of section.querySelectorAll("tr[data-invoked]")) {
      const one = proof.operations.find((operation) => String(operation.invoked) === row.dataset.invoked);
      row.tabIndex = 0;
      row.addEventListener("click", () => look(one));
      row.addEventListener("keydown", (event) => event.key === "Enter" && look(one));
    }
  }
  drawOthers(others, choose);
}

/** What was measured and is broken, in pictures that are drawn when they are asked for. */
function drawOthers(proofs, choose) {
  const folds = proofs.map((proof) => {
    const fold = el("details", {}, el("summary", {}, `${proof.property}: ${clipped(proof.summary, 160)}`));
    fold.addEventListener("toggle", () => {
      if (fold.childElementCount > 1) return;
      const picture = drawProof(proof, choose);
      const operations = proof.operations.map((one) => el("li", {}, `process ${one.process} ${one.did}${one.node ? ` at ${one.node}` : ""} ${one.role}`));
      if (picture) fold.append(el("div", { className: "picture" }, picture));
      const graph = drawGraph(proof, choose);
      if (graph) fold.append(el("div", { className: "picture" }, graph));
      fold.append(el("ul", {}, ...operations), el("ol", {}, ...proof.because.map((because) => el("li", {}, because))), el("ul", {}, ...proof.meanwhile.map((fault) => el("li", {}, fault))));
    });
    return fold;
  });
  if (folds.length) document.getElementById("drawn-proofs").append(el("h2", {}, "Also broken, but not promised"), ...folds);
}

function drawRun() {
  const section = document.getElementById("run");
  if (operations.count === 0) return { choose: () => {} };
  section.hidden = false;
  const canvas = el("canvas", { id: "timeline", tabIndex: 0, "aria-label": "all operations of the run: arrows move, plus and minus zoom, 0 shows all, n and p choose the next and the one before" });
  const [details, list, told] = [el("div", { id: "details" }), el("div", { id: "list" }), el("span", { className: "quiet", id: "shown" })];
  const { tools, show } = filterTools(() => changed());
  const timeline = new Timeline(canvas, { chosen: (number) => choose(number, false), moved: () => changed() });
  const by = ["client", "node", "key"].filter((name) => name === "client" || operations[`${name}s`].length > 0);
  const lanes = el("select", { "aria-label": "lanes", onchange: (event) => timeline.arrange(event.target.value) }, ...by.map((name) => el("option", { value: name }, `a lane for each ${name}`)));
  const button = (text, does) => el("button", { type: "button", onclick: does }, text);
  section.append(
    el("h2", {}, "The whole run"),
    el("div", { className: "bar-of-tools" }, ...tools),
    el("div", { className: "bar-of-tools" }, lanes, button("+", () => timeline.zoom(0.5)), button("−", () => timeline.zoom(2)), button("all", () => timeline.show(timeline.whole.from, timeline.whole.to)), ...proofButton(timeline, button), told),
    canvas, legend(), el("div", { className: "sides" }, details, list),
  );
  if (operations.total > operations.count) section.append(el("p", { className: "doubt" }, `${grouped(operations.total - operations.count)} later operations are left out here: schism show ${data.run} --ops 't=…' has them`));

  function choose(number, move = true) {
    timeline.choose(number, move);
    details.replaceChildren(...detailsOf(number));
    changed();
  }
  const fresh = () => {
    list.replaceChildren(...listOf(timeline.view, (number) => choose(number)));
    told.textContent = `${grouped(matching)} of ${grouped(operations.total)} operations`;
    views.forEach((view) => view(timeline.view));
    writeAddress(timeline);
  };
  let waiting;
  function changed() {
    timeline.draw();
    clearTimeout(waiting);
    waiting = setTimeout(fresh, 90);
  }
  const follow = () => {
    readAddress(timeline, choose);
    show();
  };
  onTheme(() => timeline.draw());
  addEventListener("hashchange", () => location.hash !== timeline.written && follow());
  applyFilter();
  details.replaceChildren(...detailsOf(-1));
  follow();
  changed();
  return { choose: (one) => one.number !== null && choose(one.number), timeline };
}

function proofButton(timeline, button) {
  const spans = data.proofs.filter((proof) => proof.judged).flatMap(spansOf);
  if (spans.length === 0) return [];
  const [from, to] = [Math.min(...spans.map((span) => span[0])), Math.max(...spans.map((span) => span[1]))];
  return [button("the proof", () => timeline.show(from - (to - from) * 0.1 - 5e3, to + (to - from) * 0.1 + 5e3))];
}

function legend() {
  const entries = [["read", "read"], ["write", "write"], ["other", "other"], ["fail", "failed"], ["info", "nobody knows"], ["fault", "fault in force"], ["bad", "in the proof"]];
  return el("p", { className: "legend" }, ...entries.map(([colour, words]) => {
    const box = el("i");
    box.style.background = `var(--${colour})`;
    return el("span", {}, box, words);
  }), el("span", {}, "drag to move; click, then wheel or + − to zoom; n, p: next, before"));
}

/** `#key=x&node=n2&from=3.1&to=4.5&op=5489`: the filter, the stretch in seconds, and the operation by its invocation's index. */
function writeAddress(timeline) {
  const address = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== "") address.set(name, value);
  if (timeline.view.from !== timeline.whole.from || timeline.view.to !== timeline.whole.to) {
    address.set("from", (timeline.view.from / 1e6).toFixed(6));
    address.set("to", (timeline.view.to / 1e6).toFixed(6));
  }
  if (timeline.selected >= 0) address.set("op", operations.invoked[timeline.selected]);
  const text = address.toString();
  timeline.written = text ? `#${text}` : "";
  if (location.hash !== timeline.written) history.replaceState(null, "", timeline.written || location.pathname + location.search);
}

function readAddress(timeline, choose) {
  const address = new URLSearchParams(location.hash.slice(1));
  for (const name of Object.keys(filter)) filter[name] = address.get(name) ?? "";
  applyFilter();
  const [from, to] = [parseFloat(address.get("from")), parseFloat(address.get("to"))];
  if (to > from) timeline.show(from * 1e6, to * 1e6);
  const number = address.has("op") ? numberOf(Number(address.get("op"))) : -1;
  if (number < 0) return;
  choose(number, !(to > from));
  document.getElementById("run").scrollIntoView();
}

function offerCopy() {
  const [button, again] = [document.getElementById("copy"), document.getElementById("again")];
  if (!button || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", () => navigator.clipboard.writeText(again.textContent).then(() => (button.textContent = "copied")));
}

const run = drawRun();
drawProofs((one) => run.choose(one));
if (operations.count > 0 && data.timed) {
  const section = document.getElementById("charts");
  section.hidden = false;
  views.push(drawCharts(section, (from, to) => run.timeline.show(from, to)));
}
offerCopy();
document.documentElement.dataset.ready = "yes";
