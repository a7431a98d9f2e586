// What has to come before what, as a graph: operations as boxes, each arrow with its number and its reason.

const GRAPH = { width: 860, box: 200, boxHeight: 40, letters: 33, line: 13, lines: 5 };

/** Breaks a text between words into lines of so many characters; what is beyond the last line is cut. */
function brokenLines(text, letters, most) {
  const lines = [];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + 1 + word.length <= letters) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(clipped(word, letters));
  }
  return lines.length <= most ? lines : [...lines.slice(0, most - 1), `${clipped(lines[most - 1], letters - 2)} …`];
}

/** Where the operations stand: around an ellipse, the first at the top or, of two, on the left. */
function graphPlaces(count) {
  const [rx, ry] = [count === 2 ? 270 : 285, count === 2 ? 0 : 62 + 24 * count];
  const centre = { x: GRAPH.width / 2, y: count === 2 ? 100 : ry + GRAPH.boxHeight / 2 + 8 };
  const first = count === 2 ? Math.PI : -Math.PI / 2;
  const places = [...Array(count).keys()].map((number) => {
    const angle = first + (2 * Math.PI * number) / count;
    return { x: centre.x + rx * Math.cos(angle), y: centre.y + ry * Math.sin(angle) };
  });
  return { centre, places, height: count === 2 ? 200 : 2 * ry + GRAPH.boxHeight + 60 };
}

/** The point at which a line from the middle of a box to `to` leaves the box. */
function leaves(box, to) {
  const [dx, dy] = [to.x - box.x, to.y - box.y];
  const share = Math.min(GRAPH.box / 2 / Math.max(1e-6, Math.abs(dx)), GRAPH.boxHeight / 2 / Math.max(1e-6, Math.abs(dy)));
  return { x: box.x + dx * share, y: box.y + dy * share };
}

/** Draws what has to come before what; nothing where no such steps are known. */
function drawGraph(proof, choose) {
  if (proof.steps.length === 0) return null;
  const shown = [...new Set(proof.steps.flatMap((step) => [step.before, step.after]))];
  const { centre, places, height } = graphPlaces(shown.length);
  const place = new Map(shown.map((operation, number) => [operation, places[number]]));
  const picture = shape("svg", { viewBox: `0 0 ${GRAPH.width} ${height}`, role: "img", "aria-label": `what has to come before what: ${proof.because.join("; ")}` });
  const pairs = proof.steps.map((step) => [step.before, step.after]);
  const both = ([before, after]) => pairs.some(([from, to]) => from === after && to === before);
  picture.append(...proof.steps.flatMap((step, number) => graphArrow(step, number, place.get(step.before), place.get(step.after), both(pairs[number]), centre)));
  for (const operation of shown) picture.append(...graphBox(proof.operations[operation], place.get(operation), choose));
  return picture;
}

function graphBox(operation, at, choose) {
  const box = shape("rect", { class: "box", x: at.x - GRAPH.box / 2, y: at.y - GRAPH.boxHeight / 2, width: GRAPH.box, height: GRAPH.boxHeight, rx: 6, tabindex: 0, role: "button", "aria-label": operation.did });
  box.addEventListener("click", () => choose(operation));
  box.addEventListener("keydown", (event) => event.key === "Enter" && choose(operation));
  const when = operation.from === null ? "" : `${moment(us(operation.from), 1e3)} to ${operation.to === null ? "no answer" : moment(us(operation.to), 1e3)}`;
  const middle = { "text-anchor": "middle", "pointer-events": "none" };
  return [
    titled(box, `process ${operation.process} ${operation.did}${operation.node ? ` at ${operation.node}` : ""} ${operation.role}`),
    label(at.x, at.y - 3, clipped(`process ${operation.process} ${operation.did}${operation.node ? ` at ${operation.node}` : ""}`, 31), middle),
    label(at.x, at.y + 12, when, { class: "small", ...middle }),
  ];
}

/** An arrow bends away from the middle, so that those of two operations do not cover each other and reasons stand outside. */
function graphArrow(step, number, from, to, both, centre) {
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const bend = both ? 90 : 26;
  // Around the ellipse, to the left of the direction is outside.
  const via = { x: middle.x + (dy / length) * bend, y: middle.y - (dx / length) * bend };
  const [start, end] = [leaves(from, via), leaves(to, via)];
  const angle = Math.atan2(end.y - via.y, end.x - via.x);
  const tip = (turn) => `${end.x - 9 * Math.cos(angle + turn)},${end.y - 9 * Math.sin(angle + turn)}`;
  const on = { x: 0.25 * start.x + 0.5 * via.x + 0.25 * end.x, y: 0.25 * start.y + 0.5 * via.y + 0.25 * end.y };
  const lines = brokenLines(step.why, both ? 62 : GRAPH.letters, both ? 3 : GRAPH.lines);
  const side = on.x > centre.x + 40 ? "start" : on.x < centre.x - 40 ? "end" : "middle";
  const above = side === "middle" && on.y < centre.y;
  const x = on.x + (side === "start" ? 14 : side === "end" ? -14 : 0);
  const y = side === "middle" ? (above ? on.y - 14 - (lines.length - 1) * GRAPH.line : on.y + 22) : on.y + 4 - ((lines.length - 1) * GRAPH.line) / 2;
  return [
    titled(shape("path", { class: "step", d: `M${start.x},${start.y} Q${via.x},${via.y} ${end.x},${end.y}` }), step.why),
    shape("polygon", { class: "steptip", points: `${end.x},${end.y} ${tip(0.38)} ${tip(-0.38)}` }),
    titled(shape("circle", { class: "steptip", cx: on.x, cy: on.y, r: 8.5 }), step.why),
    label(on.x, on.y + 3.8, String(number + 1), { class: "stepnumber" }),
    ...lines.map((text, line) => label(x, y + line * GRAPH.line, text, { class: "why", "text-anchor": side })),
  ];
}
