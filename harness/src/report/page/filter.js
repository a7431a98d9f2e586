// Which operations of the run are shown: by key, process, node, kind, outcome and text.

/** What is asked for; empty texts ask for nothing. */
const filter = { key: "", process: "", node: "", kind: "", outcome: "", text: "" };

/** For each operation whether it is shown, and how many are. */
const matches = new Uint8Array(operations.count);
let matching = 0;

function applyFilter() {
  const place = (table, name) => (name === "" ? null : table.indexOf(name));
  const [key, node, kind] = [place(operations.keys, filter.key), place(operations.nodes, filter.node), place(operations.kinds, filter.kind)];
  const process = filter.process === "" ? null : operations.processes.indexOf(Number(filter.process));
  const ending = filter.outcome === "" ? null : ENDINGS.indexOf(filter.outcome);
  const found = textsWith(filter.text);
  matching = 0;
  for (let number = 0; number < operations.count; number++) {
    const shown =
      (key === null || operations.key[number] === key) &&
      (node === null || operations.node[number] === node) &&
      (kind === null || operations.kind[number] === kind) &&
      (process === null || operations.process[number] === process) &&
      (ending === null || operations.ending[number] === ending) &&
      (found === null || found.has(operations.input[number]) || found.has(operations.output[number]) || found.has(operations.error[number]));
    matches[number] = shown ? 1 : 0;
    matching += matches[number];
  }
}

/** The places of the values and errors that have this text in them; null asks for nothing. */
function textsWith(text) {
  if (text === "") return null;
  const wanted = text.toLowerCase();
  const places = new Set();
  // A number is looked for as a whole: who asks for 7 does not mean 1789.
  const whole = /^-?\d+$/.test(wanted);
  operations.texts.forEach((one, place) => {
    if (whole ? one === wanted : one.toLowerCase().includes(wanted)) places.add(place);
  });
  return places;
}

/** The tools to filter by; `changed` is called after each change. */
function filterTools(changed) {
  const update = (name) => (event) => {
    filter[name] = event.target.value;
    applyFilter();
    changed();
  };
  const choice = (name, options) =>
    el("select", { "aria-label": name, id: `filter-${name}`, onchange: update(name) },
      el("option", { value: "" }, `every ${name}`), ...options.map((option) => el("option", { value: String(option) }, clipped(String(option), 30))));
  const text = el("input", { type: "search", id: "filter-text", placeholder: "value or error", "aria-label": "value or error", oninput: update("text") });
  const processes = [...operations.processes].sort((one, other) => one - other);
  const tools = [choice("key", operations.keys), choice("process", processes), choice("node", operations.nodes), choice("kind", operations.kinds), choice("outcome", ENDINGS), text];
  const show = () => Object.keys(filter).forEach((name) => (document.getElementById(`filter-${name}`).value = filter[name]));
  return { tools, show };
}
