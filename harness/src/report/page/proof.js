// The picture of a counterexample: a lane for each client and each node, only the operations that matter, what had to come before
// what, the faults that were in force, and what the nodes told.

const PICTURE = { width: 860, left: 84, right: 848, top: 40, client: 50, node: 34 };

/** How much of the time around what has no duration is shown, in microseconds. */
const NEAR = 200;

/** The operations of a proof, and behind them those that only the order has that was tried. */
function drawnOperations(proof) {
  const known = new Set(proof.operations.map((one) => one.invoked));
  const tried = proof.tried ? proof.tried.placed.map(([, one]) => one).concat([proof.tried.stopped]) : [];
  return proof.operations.concat(tried.filter((one) => !known.has(one.invoked)));
}

/** Everything in a proof that has a moment, in microseconds. */
function spansOf(proof) {
  const spans = drawnOperations(proof).filter((one) => one.from !== null).map((one) => [us(one.from), us(one.to ?? one.from)]);
  // What a client began and was told frames what the nodes did for it.
  const before = new Map();
  for (const one of proof.moments) {
    const since = one.who.startsWith("client ") ? before.get(one.who) ?? us(one.at) : us(one.at);
    spans.push([since - NEAR, us(one.at) + NEAR]);
    if (before.has(one.who)) before.delete(one.who);
    else before.set(one.who, us(one.at));
  }
  return spans;
}

/** Draws a proof; nothing where no moment of it is known. `choose` is told which operation was chosen. */
function drawProof(proof, choose) {
  const spans = spansOf(proof);
  if (spans.length === 0) return null;
  const lanes = lanesOf(proof);
  const axis = foldedAxis(spans, PICTURE.left + 12, PICTURE.right - 12);
  const height = lanes.bottom + 12;
  const picture = shape("svg", { viewBox: `0 0 ${PICTURE.width} ${height}`, role: "img", "aria-label": `timeline of ${proof.summary}` });
  picture.append(...drawAxis(axis, height), ...drawLanes(lanes), ...drawFaults(axis, lanes), ...drawNotes(axis, lanes));
  const bars = drawBars(proof, axis, lanes, choose);
  picture.append(...bars.shapes, ...drawTried(proof, bars.places), ...drawSteps(proof, bars.places), ...drawMoments(proof, axis, lanes));
  return picture;
}

/** What the signs in the picture mean, as far as they are in it. */
function pictureLegend(proof) {
  const signs = [];
  const sign = (text, colour) => {
    const box = el("b", {}, text);
    box.style.background = `var(--${colour})`;
    return box;
  };
  if (proof.steps.length) signs.push([sign("1", "bad"), "has to come before what its arrow points at, for the reason of that number"]);
  else if (proof.moments.length) signs.push([sign("1", "bad"), "what the nodes and clients noted, by the number of its sentence"]);
  if (proof.tried) signs.push([sign("1", "read"), "the order that was tried"], [sign("✗", "bad"), "where it stops"]);
  return el("p", { className: "legend signs" }, ...signs.map(([box, words]) => el("span", {}, box, words)));
}

/** Which lanes there are, and where: clients above, nodes below. */
function lanesOf(proof) {
  const clients = new Map();
  const nodes = new Map();
  let y = PICTURE.top;
  const told = proof.moments.map((one) => one.who);
  const processes = drawnOperations(proof).map((one) => `client ${one.process}`).concat(told.filter((who) => who.startsWith("client ")));
  for (const process of new Set(processes)) {
    clients.set(process, y + PICTURE.client - 16);
    y += PICTURE.client;
  }
  const others = told.filter((who) => !who.startsWith("client ") && !data.nodes.includes(who));
  for (const node of data.nodes.concat([...new Set(others)])) {
    nodes.set(node, y + PICTURE.node / 2 + 4);
    y += PICTURE.node;
  }
  return { clients, nodes, bottom: y + 6 };
}

function drawAxis(axis, height) {
  const shapes = [];
  for (const piece of axis.pieces) {
    const step = roundStep(piece.to - piece.from, piece.width / 110);
    for (let time = Math.ceil(piece.from / step) * step; time <= piece.to; time += step) {
      const x = axis.at(time);
      shapes.push(shape("line", { class: "lane", x1: x, x2: x, y1: 20, y2: height - 4 }));
      shapes.push(label(x, 13, moment(time, step), { class: "small", "text-anchor": "middle" }));
    }
  }
  for (const fold of axis.folds) {
    shapes.push(shape("rect", { class: "fold", x: fold.x + 4, y: 20, width: fold.width - 8, height: height - 26, rx: 4 }));
    shapes.push(label(fold.x + fold.width / 2, 31, `+${duration(fold.time)}`, { class: "small", "text-anchor": "middle" }));
  }
  return shapes;
}

function drawLanes(lanes) {
  const lane = ([name, y]) => [
    label(4, y + 4, clipped(name.replace("client ", "process "), 12)),
    shape("line", { class: "lane", x1: PICTURE.left, x2: PICTURE.right, y1: y, y2: y }),
  ];
  return [...lanes.clients, ...lanes.nodes].flatMap(lane);
}

/** A fault covers the lanes of the nodes that it concerns. */
function drawFaults(axis, lanes) {
  const [first, last] = [axis.pieces[0].from, axis.pieces[axis.pieces.length - 1].to];
  const shapes = [];
  for (const fault of data.faults) {
    const [from, to] = [us(fault.begin), fault.end === undefined ? last : us(fault.end)];
    if (to < first || from > last) continue;
    const [x1, x2] = [axis.at(Math.max(from, first)), axis.at(Math.min(to, last))];
    const down = ["kill", "pause", "powerloss"].includes(fault.kind);
    const words = `${fault.kind}${fault.shape ? ` (${fault.shape})` : ""}${fault.cut.length ? `: ${fault.cut.join(", ")} cut` : ""}`;
    for (const [node, y] of lanes.nodes) {
      if (!concerns(fault, node)) continue;
      const room = { x: x1, y: y - PICTURE.node / 2 + 3, width: Math.max(3, x2 - x1), height: PICTURE.node - 5, rx: 3 };
      shapes.push(titled(shape("rect", { class: down ? "down" : "band", ...room }), `${words}, ${moment(from)} to ${moment(to)}`));
      if (x2 - x1 > 40) shapes.push(label(x1 + 4, y - 4, clipped(down ? fault.kind : words, Math.floor((x2 - x1) / 5.6)), { class: "small" }));
    }
  }
  return shapes;
}

/** What nodes told: a dot each, and landmarks (what is rare in the run: a leader, a restart) with their name. */
function drawNotes(axis, lanes) {
  const shapes = [];
  const named = new Map();
  for (const note of data.notes) {
    const [time, y] = [us(note.at), lanes.nodes.get(note.node)];
    if (y === undefined || !axis.pieces.some((piece) => time >= piece.from && time <= piece.to)) continue;
    const x = axis.at(time);
    const dot = shape("circle", { class: note.rare ? "landmark" : "note", cx: x, cy: y + 6, r: note.rare ? 4 : 1.8 });
    shapes.push(titled(dot, `${note.node} at ${moment(time, 10)}: ${note.name} ${note.says}`));
    if (note.rare && x > (named.get(note.node) ?? 0)) {
      const words = clipped(`${note.name} ${note.says}`, 26);
      shapes.push(label(x + 6, y + 11, words, { class: "small" }));
      named.set(note.node, x + 12 + words.length * 5.4);
    }
  }
  return shapes;
}

/** The operations, from invocation to completion, each with what it wrote or read; paler those that only the order has. */
function drawBars(proof, axis, lanes, choose) {
  const shapes = [];
  const ends = new Map();
  const places = drawnOperations(proof).map((one, number) => {
    if (one.from === null) return null;
    const y = lanes.clients.get(`client ${one.process}`);
    const open = one.to === null;
    const [x1, x2] = [axis.at(us(one.from)), open ? PICTURE.right - 6 : axis.at(us(one.to))];
    const width = Math.max(6, x2 - x1);
    const beside = number >= proof.operations.length;
    const stuck = one.role.includes("cannot have happened");
    const words = `${one.did}${one.node ? ` at ${one.node}` : ""}`;
    const colour = `bar ${barColour(one)}${open ? " open" : ""}${stuck ? " stuck" : ""}${beside ? " beside" : ""}`;
    const bar = shape("rect", { class: colour, x: x1, y: y - 8, width, height: 16, rx: 3, tabindex: 0, role: "button", "aria-label": words });
    bar.addEventListener("click", () => choose(one));
    bar.addEventListener("keydown", (event) => event.key === "Enter" && choose(one));
    shapes.push(titled(bar, `process ${one.process} ${words}, ${moment(us(one.from), 1)} to ${open ? "no answer" : moment(us(one.to), 1)}`));
    const text = stuck ? `✗ ${words}: no order goes beyond this` : words;
    const late = x1 + text.length * 6.6 > PICTURE.right;
    const below = x1 < (ends.get(y) ?? 0);
    shapes.push(label(late ? x1 + width : x1, below ? y + 21 : y - 12, text, { ...(late ? { "text-anchor": "end" } : {}), ...(beside ? { class: "small" } : {}) }));
    ends.set(y, below ? 0 : x1 + text.length * 6.6);
    return { x: x1 + width / 2, left: x1, right: x1 + width, y, invoked: one.invoked };
  });
  return { shapes, places };
}

function barColour(one) {
  const kind = one.number === null ? "other" : kindOf(one.number);
  return ["read", "write"].includes(kind) ? kind : "other";
}

/** The order that was tried: its numbers stand on the bars, and a cross where it stops. */
function drawTried(proof, places) {
  if (!proof.tried) return [];
  const { placed, stopped } = proof.tried;
  const found = placed.map(([, one]) => one).concat([stopped]).map((one) => places.find((place) => place?.invoked === one.invoked));
  const shapes = [];
  const corners = found.filter(Boolean).map((place) => `${place.left + 8},${place.y}`);
  if (corners.length > 1) shapes.push(shape("polyline", { class: "tried", points: corners.join(" ") }));
  for (const [number, place] of found.entries()) {
    if (!place) continue;
    const last = number === placed.length;
    const words = last ? `no order goes beyond this: ${proof.tried.why}` : `${number + 1} of those shown of the order that was tried, ${grouped(placed[number][0])} of all ${grouped(proof.tried.length)}`;
    shapes.push(titled(shape("rect", { class: last ? "steptip" : "triedtip", x: place.left, y: place.y - 7, width: 16, height: 14, rx: 3 }), words));
    shapes.push(label(place.left + 8, place.y + 3.7, last ? "✗" : String(number + 1), { class: "stepnumber", "pointer-events": "none" }));
  }
  return shapes;
}

/** What has to come before what: numbered like the reasons beside the picture. */
function drawSteps(proof, places) {
  return proof.steps.flatMap((step, number) => {
    const [from, to] = [places[step.before], places[step.after]];
    if (!from || !to) return [];
    const bend = (number % 2 === 0 ? 1 : -1) * (from.y === to.y ? 26 : 14);
    const back = to.x < from.x;
    const [x1, x2] = back ? [from.left, to.right] : [from.right, to.left];
    const [y1, y2] = [from.y + (back ? 5 : -3), to.y + (back ? 5 : -3)];
    const [mx, my] = [(x1 + x2) / 2 + (Math.abs(x1 - x2) < 30 ? 30 : 0), (y1 + y2) / 2 + bend];
    const angle = Math.atan2(y2 - my, x2 - mx);
    const tip = (turn) => `${x2 - 8 * Math.cos(angle + turn)},${y2 - 8 * Math.sin(angle + turn)}`;
    const [bx, by] = [0.25 * x1 + 0.5 * mx + 0.25 * x2, 0.25 * y1 + 0.5 * my + 0.25 * y2];
    return [
      titled(shape("path", { class: "step", d: `M${x1},${y1} Q${mx},${my} ${x2},${y2}` }), step.why),
      shape("polygon", { class: "steptip", points: `${x2},${y2} ${tip(0.4)} ${tip(-0.4)}` }),
      titled(shape("circle", { class: "steptip", cx: bx, cy: by, r: 7.5 }), step.why),
      label(bx, by + 3.7, String(number + 1), { class: "stepnumber" }),
    ];
  });
}

/** What nodes and clients did, where a rule about nodes is broken: numbered like the sentences beside. */
function drawMoments(proof, axis, lanes) {
  const taken = new Map();
  return proof.moments.flatMap((one, number) => {
    const y = lanes.clients.get(one.who) ?? lanes.nodes.get(one.who);
    if (y === undefined) return [];
    const x = Math.max(axis.at(us(one.at)), (taken.get(y) ?? 0) + 17);
    taken.set(y, x);
    const tag = /tag (\S+)/.exec(one.did);
    const shapes = [
      titled(shape("circle", { class: "steptip", cx: x, cy: y, r: 8 }), `${one.who} at ${moment(us(one.at), 1)}: ${one.did}`),
      label(x, y + 3.7, String(number + 1), { class: "stepnumber" }),
    ];
    if (tag) shapes.push(label(x, y - 11, clipped(tag[1].replace(/,$/, ""), 16), { class: "small", "text-anchor": "middle" }));
    return shapes;
  });
}
