// One operation with all that is known of it, and the list of those that are shown.

const ROWS_MAX = 100;

/** What is known of an operation. */
function detailsOf(number) {
  if (number < 0) return [el("p", { className: "quiet" }, "Choose an operation: click it, or focus the timeline and press n.")];
  const [begin, end] = [operations.begin[number], operations.end[number]];
  const open = !Number.isFinite(end);
  const facts = [
    ["process", `${processOf(number)}${nodeOf(number) ? `, asked ${nodeOf(number)}` : ""}`],
    ["key", keyOf(number)],
    ["did", kindOf(number)],
    ["asked", inputOf(number)],
    ["answered", operations.ending[number] === 0 ? outputOf(number) : endingOf(number)],
    ["error", errorOf(number)],
    ["events", `${operations.invoked[number]}${open ? ", no completion" : ` to ${operations.invoked[number] + operations.completed[number]}`}`],
    ["time", data.timed ? `${moment(begin, 1)} to ${open ? "no answer" : `${moment(end, 1)}, ${duration(end - begin)}`}` : "not recorded"],
    ["faults", faultsDuring(begin, open ? begin : end)],
  ].filter(([, text]) => text !== "");
  return [
    el("h3", {}, `Operation ${number + 1} of ${grouped(operations.total)}: ${clipped(deedOf(number), 80)}`),
    el("dl", {}, ...facts.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
    ...around(number, begin, open ? begin + 1e5 : end),
    el("p", { className: "quiet" }, "Messages, notes and logs of this moment: ", el("code", {}, `schism show ${data.run} --around ${operations.invoked[number]}`)),
  ];
}

function faultsDuring(begin, end) {
  const during = data.faults.filter((fault) => us(fault.begin) <= end && (fault.end === undefined || us(fault.end) >= begin));
  return during.map((fault) => `${fault.kind}${fault.shape ? ` (${fault.shape})` : ""} of ${fault.targets.join(", ")}`).join("; ");
}

/** The operation's messages, and what nodes told while it was open. */
function around(number, begin, end) {
  const lines = [];
  for (const message of messagesIn(begin, end)) {
    if (message.process !== processOf(number)) continue;
    lines.push([us(message.sent), `${message.from} → ${message.to}`, `${message.kind}, ${message.fate} after ${duration(us(message.ended) - us(message.sent))}`]);
  }
  for (const note of data.notes) if (us(note.at) >= begin && us(note.at) <= end) lines.push([us(note.at), note.node, `${note.name} ${note.says}`]);
  for (const line of data.logs) if (line.at !== null && us(line.at) >= begin && us(line.at) <= end) lines.push([us(line.at), `${line.node} log`, line.says]);
  lines.sort((one, other) => one[0] - other[0]);
  if (lines.length === 0) return [];
  const rows = lines.slice(0, ROWS_MAX).map(([time, who, what]) => el("tr", {}, el("td", { className: "when" }, moment(time, 10)), el("td", { className: "name" }, who), el("td", {}, what)));
  const more = lines.length > ROWS_MAX ? ` (the first ${ROWS_MAX} of ${grouped(lines.length)})` : "";
  return [el("h3", {}, `Messages, notes and logs meanwhile${more}`), el("div", { className: "scroll" }, el("table", {}, ...rows))];
}

/** The operations in a stretch of time that are shown, as rows. */
function listOf(view, chosen) {
  const rows = [];
  let count = 0;
  for (let number = firstFrom(view.from); number < operations.count && operations.begin[number] <= view.to; number++) {
    if (!matches[number]) continue;
    count++;
    if (rows.length >= ROWS_MAX) continue;
    const cells = [moment(operations.begin[number], 1e3), `${processOf(number)}`, nodeOf(number), keyOf(number), clipped(deedOf(number), 60), endingOf(number)];
    rows.push(el("tr", { "data-invoked": operations.invoked[number], onclick: () => chosen(number) }, ...cells.map((cell, place) => el("td", { className: place === 0 ? "when" : "" }, cell))));
  }
  const heads = ["when", "process", "node", "key", "what", "outcome"].map((head) => el("th", {}, head));
  const more = count > rows.length ? `, the first ${rows.length} of which follow` : "";
  return [el("h3", {}, `${grouped(count)} operations in view${more}`), el("div", { className: "scroll" }, el("table", {}, el("tr", {}, ...heads), ...rows))];
}
