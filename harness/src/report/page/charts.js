// Latency, rate and availability over time, drawn with uPlot, with the faults behind them.

const BUCKETS = 120;
const POINTS_MAX = 4000;
/** Where the lines of a logarithmic axis are, in milliseconds. */
const POWERS = [0.001, 0.01, 0.1, 1, 10, 100, 1000, 10000, 100000];

/** The run in equal stretches: what began in each, by outcome and node, and how long what ended ok took. */
function bucketed() {
  const width = roundStep(Math.max(1, operations.last), BUCKETS);
  const count = Math.floor(operations.last / width) + 1;
  const buckets = Array.from({ length: count }, () => ({ ok: 0, fail: 0, info: 0, took: [], nodes: new Map() }));
  for (let number = 0; number < operations.count; number++) {
    const bucket = buckets[Math.min(count - 1, Math.floor(operations.begin[number] / width))];
    bucket[endingOf(number)]++;
    const node = bucket.nodes.get(operations.node[number]) ?? [0, 0];
    bucket.nodes.set(operations.node[number], [node[0] + (operations.ending[number] === 0 ? 1 : 0), node[1] + 1]);
    if (operations.ending[number] === 0) bucket.took.push(operations.end[number] - operations.begin[number]);
  }
  for (const bucket of buckets) bucket.took.sort((one, other) => one - other);
  return { width, buckets };
}

const quantile = (sorted, share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] / 1e3 : null);

/** What all charts share: the faults behind, zoom by dragging, and the time in seconds below. */
function chartOptions(width, series, unit, { log = false, range, moved }) {
  const axis = { stroke: () => colours.quiet, grid: { stroke: () => colours.edge, width: 1 }, ticks: { stroke: () => colours.edge } };
  return {
    title: undefined, width, height: 190, legend: { live: true }, cursor: { sync: { key: "run" }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { time: false }, y: log ? { distr: 3 } : { range } },
    axes: [{ ...axis, values: (_, marks) => marks.map((mark) => `${mark} s`) }, { ...axis, size: 74, ...(log ? { splits: (_, __, min, max) => POWERS.filter((power) => power >= min && power <= max) } : {}), values: (_, marks) => marks.map((mark) => (mark === null ? "" : `${+mark.toPrecision(3)} ${unit}`)) }],
    series: [{ label: "time", value: (_, time) => (time === null ? "" : `${time.toFixed(3)} s`) }, ...series],
    hooks: {
      drawClear: [(chart) => paintBands(chart)],
      setSelect: [(chart) => {
        if (chart.select.width < 4) return;
        moved(chart.posToVal(chart.select.left, "x") * 1e6, chart.posToVal(chart.select.left + chart.select.width, "x") * 1e6);
        chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
      }],
    },
  };
}

function paintBands(chart) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colours.fault;
  for (const fault of data.faults) {
    const [from, to] = [us(fault.begin) / 1e6, fault.end === undefined ? operations.last / 1e6 : us(fault.end) / 1e6];
    const [x1, x2] = [chart.valToPos(from, "x", true), chart.valToPos(to, "x", true)];
    ctx.fillRect(x1, bbox.top, Math.max(1, x2 - x1), bbox.height);
  }
  ctx.restore();
}

const line = (name, colour) => ({ label: name, stroke: () => colours[colour], width: 1.5, spanGaps: false, points: { show: false } });

/** A cloud of operations and the quantiles in each stretch. */
function latencyChart(width, { width: step, buckets }, moved) {
  const every = Math.max(1, Math.ceil(operations.count / POINTS_MAX));
  const cloud = [];
  for (let number = 0; number < operations.count; number++) {
    // Of those that are left out none is slow: the slowest are what one looks for.
    const took = operations.end[number] - operations.begin[number];
    const bucket = buckets[Math.min(buckets.length - 1, Math.floor(operations.begin[number] / step))];
    const slow = bucket.took.length && took >= bucket.took[Math.floor(bucket.took.length * 0.99)];
    if (operations.ending[number] === 0 && (number % every === 0 || slow)) cloud.push([operations.begin[number] / 1e6, Math.max(1, took) / 1e3, operations.kinds[operations.kind[number]]]);
  }
  const middle = buckets.map((bucket, place) => [((place + 0.5) * step) / 1e6, bucket]);
  const rows = cloud.map((one) => ({ x: one[0], read: one[2] === "read" ? one[1] : undefined, other: one[2] === "read" ? undefined : one[1] }))
    .concat(middle.map(([x, bucket]) => ({ x, p50: quantile(bucket.took, 0.5), p99: quantile(bucket.took, 0.99) })));
  rows.sort((one, other) => one.x - other.x);
  // What is undefined is passed over by a line, what is null breaks it.
  const column = (name) => rows.map((row) => (name in row ? row[name] : undefined));
  const dots = (name, colour) => ({ label: name, stroke: () => colours[colour], paths: () => null, points: { show: true, size: 2.5, fill: () => colours[colour], width: 0 } });
  const series = [dots("read", "read"), dots("other", "write"), line("p50", "text"), line("p99", "info")].map((one) => ({ ...one, value: (_, ms) => (ms == null ? "" : duration(ms * 1e3)) }));
  const left = every > 1 ? `, one point for ${every} operations, and the slowest of each moment` : "";
  return { title: `Latency of what ended ok${left}`, options: chartOptions(width, series, "ms", { log: true, moved }), columns: [column("x"), column("read"), column("other"), column("p50"), column("p99")] };
}

function rateChart(width, { width: step, buckets }, moved) {
  const xs = buckets.map((_, place) => ((place + 0.5) * step) / 1e6);
  const rate = (name) => buckets.map((bucket) => (bucket[name] / step) * 1e6);
  const series = [line("ok", "ok"), line("fail", "quiet"), line("info", "info")];
  return { title: "Operations begun in a second, by how they ended", options: chartOptions(width, series, "/s", { moved }), columns: [xs, rate("ok"), rate("fail"), rate("info")] };
}

function availabilityChart(width, { width: step, buckets }, moved) {
  const xs = buckets.map((_, place) => ((place + 0.5) * step) / 1e6);
  const palette = ["read", "write", "other", "info", "ok", "bad", "quiet"];
  const nodes = operations.nodes.map((name, place) => [name, place]).sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, 9);
  const share = (place) => buckets.map((bucket) => {
    const counts = bucket.nodes.get(place);
    return counts ? (100 * counts[0]) / counts[1] : null;
  });
  const series = nodes.map(([name], number) => line(name, palette[number % palette.length]));
  return { title: "Share that ended ok, by the node that was asked", options: chartOptions(width, series, "%", { range: [0, 105], moved }), columns: [xs, ...nodes.map(([, place]) => share(place))] };
}

const SIDES = [["whole", "quiet"], ["majority", "ok"], ["minority", "bad"], ["down", "info"]];

/** The same by the side of a cut on which the node was: all nodes together, most of them, few, or dead. */
function sideChart(width, { width: step, buckets }, moved) {
  const xs = buckets.map((_, place) => ((place + 0.5) * step) / 1e6);
  const counts = buckets.map(() => new Map());
  let span = 0;
  for (let number = 0; number < operations.count; number++) {
    while (span + 1 < data.sides.length && us(data.sides[span + 1][0]) <= operations.begin[number]) span++;
    const side = data.sides[span]?.[1][nodeOf(number)];
    if (side === undefined) continue;
    const bucket = counts[Math.min(counts.length - 1, Math.floor(operations.begin[number] / step))];
    const [ok, all] = bucket.get(side) ?? [0, 0];
    bucket.set(side, [ok + (operations.ending[number] === 0 ? 1 : 0), all + 1]);
  }
  const share = (side) => counts.map((bucket) => (bucket.has(side) ? (100 * bucket.get(side)[0]) / bucket.get(side)[1] : null));
  // A side that is there for one stretch alone is a point, no line.
  const series = SIDES.map(([side, colour]) => ({ ...line(side, colour), points: { show: true, size: 4, fill: () => colours[colour] } }));
  return { title: "Share that ended ok, by the side of a cut on which the node was", options: chartOptions(width, series, "%", { range: [0, 105], moved }), columns: [xs, ...SIDES.map(([side]) => share(side))] };
}

/** Puts the charts into a section; the result moves them to a stretch of time. */
function drawCharts(section, moved) {
  const all = bucketed();
  const width = () => Math.max(280, section.clientWidth);
  section.append(el("h2", {}, "Latency, rate, availability"), el("p", { className: "quiet" }, "Shaded: faults in force. Drag over a stretch to see it here and in the timeline above."));
  const drawn = [latencyChart, rateChart, ...(data.faults.length ? [sideChart] : []), ...(operations.nodes.length ? [availabilityChart] : [])].map((chart) => {
    const { title, options, columns } = chart(width(), all, moved);
    const room = el("div", { className: "chart" }, el("h3", {}, title));
    section.append(room);
    return new uPlot(options, columns, room);
  });
  addEventListener("resize", () => drawn.forEach((chart) => chart.setSize({ width: width(), height: 190 })));
  onTheme(() => drawn.forEach((chart) => chart.redraw()));
  return ({ from, to }) => drawn.forEach((chart) => chart.setScale("x", { min: from / 1e6, max: to / 1e6 }));
}
