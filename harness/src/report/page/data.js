// The run: what was put into the page, with its columns unpacked.

const data = JSON.parse(document.getElementById("data").textContent);

const ENDINGS = ["ok", "fail", "info"];

/** The operations by number, in the order of their invocations; times in microseconds. */
const operations = unpacked(data.operations);

function unpacked(columns) {
  const count = columns.begin.length;
  const begin = new Float64Array(count);
  const end = new Float64Array(count);
  const invoked = new Float64Array(count);
  let longest = 0;
  let last = 0;
  for (let number = 0, time = 0, index = 0; number < count; number++) {
    begin[number] = time += columns.begin[number];
    invoked[number] = index += columns.invoked[number];
    const took = columns.took[number];
    end[number] = took < 0 ? Infinity : time + took;
    last = Math.max(last, took < 0 ? time : time + took);
    if (took >= 0) longest = Math.max(longest, took);
  }
  return { ...columns, count, begin, end, invoked, longest, last, lane: columns.process.map((process) => columns.lanes[process]) };
}

/** Times of faults, notes and messages come in nanoseconds. */
const us = (ns) => ns / 1e3;

/** The first operation that begins at a moment or later. */
function firstFrom(time) {
  let [low, high] = [0, operations.count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (operations.begin[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The operation that was invoked with the event of this index, or that event completed; none is -1. */
function numberOf(index) {
  let [low, high] = [0, operations.count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (operations.invoked[middle] < index) low = middle + 1;
    else high = middle;
  }
  if (low < operations.count && operations.invoked[low] === index) return low;
  for (let number = low - 1; number >= 0 && number > low - 5000; number--) {
    if (operations.completed[number] >= 0 && operations.invoked[number] + operations.completed[number] === index) return number;
  }
  return -1;
}

const nameOf = (table, place, absent = "") => (place < 0 ? absent : table[place]);
const keyOf = (number) => nameOf(operations.keys, operations.key[number]);
const nodeOf = (number) => nameOf(operations.nodes, operations.node[number]);
const kindOf = (number) => operations.kinds[operations.kind[number]];
const processOf = (number) => operations.processes[operations.process[number]];
const endingOf = (number) => ENDINGS[operations.ending[number]];
const inputOf = (number) => nameOf(operations.texts, operations.input[number], "null");
const outputOf = (number) => nameOf(operations.texts, operations.output[number], "null");
const errorOf = (number) => nameOf(operations.texts, operations.error[number]);

/** What was asked and answered: `write 5`, `read → 4`. */
function deedOf(number) {
  const asked = operations.input[number] < 0 ? "" : ` ${inputOf(number)}`;
  const same = operations.output[number] === operations.input[number];
  const answered = operations.ending[number] === 0 && !same ? ` → ${outputOf(number)}` : "";
  return kindOf(number) + asked + (asked || answered || operations.ending[number] !== 0 ? answered : " → null");
}

/** Whether a fault concerns a node: it is a target, or one of its links is cut. */
function concerns(fault, node) {
  return fault.targets.includes(node) || fault.cut.some((link) => link.split("->").includes(node));
}
