// Messages between nodes around a moment: a lane for each node, an arrow from sending to arrival, on an axis of real time.

const DIAGRAM = { width: 1180, left: 84, right: 1168, top: 26, lane: 58, messages: 500 };
/** A message that took longer than this was held or delayed, in microseconds. */
const HELD = 40e3;

/** The messages that the page has of a stretch of time, those of a process first. */
function messagesIn(from, to) {
  return data.messages.filter((message) => us(message.ended) >= from && us(message.sent) <= to);
}

/** Draws the messages from one moment to another; `process` is whose request may have caused them. */
function drawMessages(from, to, operation, process) {
  const all = messagesIn(from, to);
  const own = all.filter((message) => message.process === process);
  const shown = (all.length > DIAGRAM.messages ? own.concat(all.filter((one) => one.process !== process)) : all).slice(0, DIAGRAM.messages);
  const names = data.nodes.concat([...new Set(shown.flatMap((one) => [one.from, one.to]))].filter((name) => !data.nodes.includes(name)));
  const lanes = new Map(names.map((name, place) => [name, DIAGRAM.top + DIAGRAM.lane * (place + 1.35)]));
  const client = DIAGRAM.top + DIAGRAM.lane * 0.5;
  const height = DIAGRAM.top + DIAGRAM.lane * (names.length + 1);
  const at = (time) => DIAGRAM.left + ((time - from) / (to - from)) * (DIAGRAM.right - DIAGRAM.left);
  const picture = shape("svg", { viewBox: `0 0 ${DIAGRAM.width} ${height}`, role: "img", "aria-label": "messages between nodes" });
  const step = roundStep(to - from, 10);
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
    picture.append(shape("line", { class: "lane", x1: at(time), x2: at(time), y1: 20, y2: height - 6 }));
    picture.append(label(at(time), 13, moment(time, step), { class: "small", "text-anchor": "middle" }));
  }
  for (const [name, y] of [[`process ${process}`, client], ...lanes]) {
    picture.append(label(4, y + 4, clipped(name, 12)), shape("line", { class: "lane", x1: DIAGRAM.left, x2: DIAGRAM.right, y1: y, y2: y }));
  }
  picture.append(...downtimes(from, to, at, lanes), ...asked(operation, at, client, lanes));
  for (const message of shown) picture.append(...arrow(message, at, lanes, from, to, message.process === process));
  for (const note of data.notes) {
    const [time, y] = [us(note.at), lanes.get(note.node)];
    if (time < from || time > to || y === undefined) continue;
    const dot = shape("circle", { class: note.rare ? "landmark" : "note", cx: at(time), cy: y, r: note.rare ? 4.5 : 2.4 });
    picture.append(titled(dot, `${note.node} at ${moment(time, 1)}: ${note.name} ${note.says}`));
  }
  return { picture, all: all.length, own: own.length, shown: shown.length };
}

/** Nodes that are dead or stand still. */
function downtimes(from, to, at, lanes) {
  const down = data.faults.filter((fault) => ["kill", "pause", "powerloss"].includes(fault.kind));
  return down.flatMap((fault) => {
    const [begin, end] = [Math.max(from, us(fault.begin)), Math.min(to, fault.end === undefined ? to : us(fault.end))];
    if (begin >= end) return [];
    const targets = fault.targets.filter((node) => lanes.has(node));
    return targets.map((node) => titled(shape("rect", { class: "down", x: at(begin), width: at(end) - at(begin), y: lanes.get(node) - 14, height: 28, rx: 3 }), fault.kind));
  });
}

/** The operation itself, and the node that it asked. */
function asked(operation, at, client, lanes) {
  if (!operation || operation.from === null) return [];
  const [x1, x2] = [at(us(operation.from)), operation.to === null ? DIAGRAM.right : at(us(operation.to))];
  const node = lanes.get(operation.node);
  const kind = operation.number === null ? "other" : kindOf(operation.number);
  const shapes = [
    shape("rect", { class: `bar ${["read", "write"].includes(kind) ? kind : "other"}`, x: x1, y: client - 8, width: Math.max(4, x2 - x1), height: 16, rx: 3 }),
    label(x1, client - 12, `${operation.did}${operation.node ? ` at ${operation.node}` : ""}`),
  ];
  if (node === undefined) return shapes;
  const dots = { class: "sent", "stroke-dasharray": "1 3" };
  return shapes.concat([shape("path", { ...dots, d: `M${x1},${client + 8} V${node}` }), shape("path", { ...dots, d: `M${x2},${client + 8} V${node}` })]);
}

function arrow(message, at, lanes, from, to, own) {
  const [y1, y2] = [lanes.get(message.from), lanes.get(message.to)];
  if (y1 === undefined || y2 === undefined) return [];
  const arrived = ["delivered", "duplicated"].includes(message.fate);
  const [sent, ended] = [us(message.sent), us(message.ended)];
  const [x1, x2] = [at(Math.max(sent, from)), at(Math.min(ended, to))];
  const kind = arrived ? (ended - sent > HELD ? "held" : "sent") : "lost";
  // What does not arrive ends halfway.
  const [ex, ey] = arrived ? [x2, y2] : [(x1 + Math.max(x2, x1 + 12)) / 2, (y1 + y2) / 2];
  const words = `${message.kind} ${message.from} → ${message.to}, sent ${moment(sent, 1)}, ${message.fate} after ${duration(ended - sent)}${message.process === null ? "" : `, for process ${message.process}`}`;
  const line = titled(shape("path", { class: kind + (own ? " of" : ""), d: `M${x1},${y1} L${ex},${ey}` }), words);
  if (!arrived) return [line, titled(label(ex, ey + 4, "×", { class: "losttip" }), words)];
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const side = (turn) => `${ex - 7 * Math.cos(angle + turn)},${ey - 7 * Math.sin(angle + turn)}`;
  return [line, shape("path", { class: kind, d: `M${side(0.4)} L${ex},${ey} L${side(-0.4)}` })];
}

/** The message view of a proof: which operation is looked at, and what went between the nodes meanwhile. */
function messageView(proof, room) {
  const timed = proof.operations.filter((one) => one.from !== null);
  if (data.messages.length === 0 || timed.length === 0) return { look: () => {} };
  const drawing = el("div", { className: "picture" });
  const words = el("p", { className: "quiet" });
  const buttons = timed.map((one) => el("button", { type: "button", onclick: () => look(one) }, `process ${one.process} ${clipped(one.did, 40)}`));
  function look(operation) {
    const [begin, end] = [us(operation.from), us(operation.to ?? operation.from + 50e6)];
    const room = Math.max(3e3, Math.min(12e3, (end - begin) * 0.3));
    const drawn = drawMessages(begin - room, end + room, operation, operation.process);
    drawing.replaceChildren(drawn.picture);
    const left = drawn.all - drawn.shown;
    words.textContent = `${grouped(drawn.own)} messages were caused by this operation's process, ${grouped(drawn.all)} were under way meanwhile${left ? `; ${grouped(left)} are not drawn` : ""}. Dashed with ×: lost; broad: held for ${duration(HELD)} or more. Elsewhere in the run: schism show ${data.run} --around ${operation.invoked}`;
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", timed[place] === operation));
  }
  room.append(el("h3", {}, "Messages between the nodes around"), el("div", { className: "bar-of-tools" }, ...buttons), drawing, words);
  look(timed[timed.length - 1]);
  return { look };
}
