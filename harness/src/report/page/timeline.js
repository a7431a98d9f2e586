// The whole run on a canvas: a lane for each client, node or key, every operation a bar, faults behind them. Zoom, pan, choose.

const AXIS = 22;
const GUTTER = 76;
const LANES_MAX = 250;
/** Boxes that are no wider than this, in pixels, are not told apart. */
const SMALL = 4;

class Timeline {
  constructor(canvas, { chosen, moved }) {
    this.canvas = canvas;
    this.told = { chosen, moved };
    this.by = "client";
    this.whole = { from: Math.min(0, operations.begin[0] ?? 0), to: Math.max(operations.last, 1) * 1.01 };
    this.view = { ...this.whole };
    this.selected = -1;
    this.proved = new Set(data.proofs.filter((proof) => proof.judged).flatMap((proof) => proof.operations.map((one) => one.number)));
    this.arrange("client");
    new Moves(this);
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Gives each operation its lane. */
  arrange(by) {
    this.by = by;
    const source = { client: operations.lane, node: operations.node, key: operations.key }[by];
    const values = [...new Set(source)].sort((one, other) => one - other);
    const name = { client: (lane) => `client ${lane}`, node: (place) => nameOf(operations.nodes, place, "no node"), key: (place) => nameOf(operations.keys, place, "no key") }[by];
    const places = new Map(values.map((value, place) => [value, place]));
    // A canvas has its limits: of very many lanes, several share one.
    this.lanes = values.slice(0, LANES_MAX).map((value, place) => (values.length > LANES_MAX && place + LANES_MAX < values.length ? `${name(value)} …` : name(value)));
    this.lane = Uint16Array.from(source, (value) => places.get(value) % LANES_MAX);
    this.row = Math.max(4, Math.min(26, 460 / Math.max(1, this.lanes.length)));
    this.height = AXIS + this.row * this.lanes.length + 8;
    this.canvas.style.height = `${this.height}px`;
    this.draw();
  }

  show(from, to) {
    const length = Math.max(20, Math.min(to - from, this.whole.to - this.whole.from));
    const begin = Math.max(this.whole.from, Math.min(from, this.whole.to - length));
    this.view = { from: begin, to: begin + length };
    this.draw();
    this.told.moved(this.view);
  }

  /** Makes what is seen `factor` times as long, with one moment where it is. */
  zoom(factor, middle = (this.view.from + this.view.to) / 2) {
    this.show(middle - (middle - this.view.from) * factor, middle + (this.view.to - middle) * factor);
  }

  pan(share) {
    const length = this.view.to - this.view.from;
    this.show(this.view.from + share * length, this.view.to + share * length);
  }

  /** Chooses an operation, and moves there if it cannot be seen. */
  choose(number, move = true) {
    this.selected = number;
    if (number >= 0 && move) {
      const [begin, length] = [operations.begin[number], this.view.to - this.view.from];
      const took = Math.min(operations.longest, operations.end[number] - begin);
      if (begin < this.view.from || begin > this.view.to || length > 60 * Math.max(took, 1e4)) {
        const room = Math.max(took, 1e4) * 12;
        return this.show(begin + took / 2 - room, begin + took / 2 + room);
      }
    }
    return this.draw();
  }

  /** The operation that is shown before or after the chosen one. */
  neighbour(step) {
    let number = this.selected < 0 ? firstFrom(this.view.from) - (step > 0 ? 1 : 0) : this.selected;
    do number += step;
    while (number >= 0 && number < operations.count && !matches[number]);
    return number >= 0 && number < operations.count ? number : this.selected;
  }

  get scale() {
    return (this.canvas.clientWidth - GUTTER) / (this.view.to - this.view.from);
  }

  timeAt(x) {
    return this.view.from + (x - GUTTER) / this.scale;
  }

  /** The shortest operation at a place of the canvas; -1 where there is none. */
  at(x, y) {
    const [lane, time, near] = [Math.floor((y - AXIS) / this.row), this.timeAt(x), 3 / this.scale];
    let [best, length] = [-1, Infinity];
    for (let number = firstFrom(time - near - operations.longest); number < operations.count && operations.begin[number] <= time + near; number++) {
      const took = operations.end[number] - operations.begin[number];
      if (this.lane[number] === lane && matches[number] && operations.end[number] >= time - near && took <= length) [best, length] = [number, took];
    }
    return best;
  }

  /** Draws before the next frame, once however often it was asked for. */
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      const before = performance.now();
      this.paint();
      this.canvas.dataset.took = (performance.now() - before).toFixed(2);
      this.canvas.dataset.frames = Number(this.canvas.dataset.frames ?? 0) + 1;
    });
  }

  paint() {
    const [width, dots] = [this.canvas.clientWidth, devicePixelRatio || 1];
    if (width === 0) return;
    if (this.canvas.width !== Math.round(width * dots) || this.canvas.height !== Math.round(this.height * dots)) {
      this.canvas.width = Math.round(width * dots);
      this.canvas.height = Math.round(this.height * dots);
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.clearRect(0, 0, width, this.height);
    pen.save();
    pen.beginPath();
    pen.rect(GUTTER, 0, width - GUTTER, this.height);
    pen.clip();
    this.paintAxis(pen, width);
    this.paintFaults(pen);
    this.paintOperations(pen);
    this.paintMarks(pen);
    pen.restore();
    pen.fillStyle = colours.quiet;
    pen.font = "11px system-ui, sans-serif";
    const every = Math.max(1, Math.ceil(12 / this.row));
    this.lanes.forEach((name, lane) => lane % every === 0 && pen.fillText(clipped(name, 12), 4, AXIS + this.row * (lane + 0.5) + 4));
  }

  paintAxis(pen, width) {
    const step = roundStep(this.view.to - this.view.from, (width - GUTTER) / 90);
    pen.fillStyle = colours.quiet;
    pen.strokeStyle = colours.edge;
    pen.font = "11px system-ui, sans-serif";
    pen.beginPath();
    for (let time = Math.ceil(this.view.from / step) * step; time <= this.view.to; time += step) {
      const x = GUTTER + (time - this.view.from) * this.scale;
      pen.fillText(moment(time, step), x + 3, 12);
      pen.moveTo(x, 0);
      pen.lineTo(x, this.height);
    }
    pen.stroke();
  }

  /** Faults stand behind the lanes of the nodes that they concern, or behind all where lanes are no nodes. */
  paintFaults(pen) {
    pen.font = "10.5px system-ui, sans-serif";
    for (const fault of data.faults) {
      const [from, to] = [us(fault.begin), fault.end === undefined ? this.whole.to : us(fault.end)];
      if (to < this.view.from || from > this.view.to) continue;
      const [x, width] = [GUTTER + (from - this.view.from) * this.scale, Math.max(2, (to - from) * this.scale)];
      pen.fillStyle = colours.fault;
      if (this.by === "node") this.lanes.forEach((node, lane) => concerns(fault, node) && pen.fillRect(x, AXIS + lane * this.row, width, this.row - 1));
      else pen.fillRect(x, 16, width, this.height);
      pen.fillStyle = colours.bad;
      const words = `${fault.kind} ${fault.targets.join(",")}`;
      if (width > 24) pen.fillText(clipped(words, Math.floor(width / 5.5)), Math.max(x, GUTTER) + 2, 21);
    }
  }

  paintOperations(pen) {
    const { begin, end, ending, kind } = operations;
    const [from, scale, lanes] = [this.view.from, this.scale, this.lanes.length];
    const palette = [colours.read, colours.write, colours.other, colours.fail, colours.info];
    const kinds = operations.kinds.map((name) => (name === "read" ? 0 : name === "write" ? 1 : 2));
    const boxes = palette.map(() => []);
    // Up to where each lane is painted in each colour, and by which box: what lies within a pixel that has its colour already needs
    // none, and small ones that touch become one.
    const painted = new Float64Array(lanes * palette.length).fill(-1);
    const open = new Int32Array(lanes * palette.length).fill(-1);
    const last = firstFrom(this.view.to);
    for (let number = firstFrom(from - operations.longest); number < last; number++) {
      if (!matches[number]) continue;
      const colour = ending[number] === 0 ? kinds[kind[number]] : ending[number] + 2;
      const x1 = Math.floor((begin[number] - from) * scale);
      const x2 = Number.isFinite(end[number]) ? Math.max(x1 + 1, Math.ceil((end[number] - from) * scale)) : x1 + 14;
      const place = this.lane[number] * palette.length + colour;
      if (x2 <= painted[place] || x2 < 0) continue;
      const box = boxes[colour];
      if (x1 <= painted[place] && x2 - x1 <= SMALL && open[place] >= 0) {
        box[open[place] + 2] = x2;
        box[open[place] + 3] = -1;
      } else {
        open[place] = x2 - x1 <= SMALL ? box.length : -1;
        box.push(Math.max(x1, painted[place], -2), this.lane[number], x2, number);
      }
      painted[place] = x2;
    }
    const tall = Math.max(2, this.row - 3);
    boxes.forEach((box, colour) => {
      pen.fillStyle = palette[colour];
      for (let place = 0; place < box.length; place += 4) {
        pen.fillRect(GUTTER + box[place], AXIS + box[place + 1] * this.row + 1, box[place + 2] - box[place], tall);
      }
    });
    if (this.row >= 14) this.paintWords(pen, boxes);
  }

  paintWords(pen, boxes) {
    pen.fillStyle = colours.page;
    pen.font = "10.5px system-ui, sans-serif";
    for (const box of boxes) {
      for (let place = 0; place < box.length; place += 4) {
        const room = box[place + 2] - box[place];
        if (room > 34 && box[place + 3] >= 0) pen.fillText(clipped(deedOf(box[place + 3]), Math.floor(room / 5.8)), GUTTER + Math.max(0, box[place]) + 3, AXIS + (box[place + 1] + 0.5) * this.row + 3);
      }
    }
  }

  /** The operations of the proof, and the one that was chosen. */
  paintMarks(pen) {
    for (const number of [...this.proved, this.selected]) {
      if (number === null || number < 0) continue;
      const x = GUTTER + (operations.begin[number] - this.view.from) * this.scale;
      const y = AXIS + this.lane[number] * this.row;
      const width = Math.max(3, (Math.min(operations.end[number], this.view.to) - operations.begin[number]) * this.scale);
      pen.strokeStyle = number === this.selected ? colours.text : colours.bad;
      pen.lineWidth = 2;
      pen.strokeRect(x - 1, y, width + 2, this.row - 1);
      pen.fillStyle = pen.strokeStyle;
      pen.beginPath();
      pen.moveTo(x + width / 2, y);
      pen.lineTo(x + width / 2 - 5, y - 7);
      pen.lineTo(x + width / 2 + 5, y - 7);
      pen.fill();
      pen.lineWidth = 1;
    }
  }
}

/** What pointer, wheel and keys do to a timeline. */
class Moves {
  constructor(timeline) {
    this.timeline = timeline;
    this.pointers = new Map();
    const { canvas } = timeline;
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.up(event));
    canvas.addEventListener("dblclick", (event) => timeline.zoom(0.4, timeline.timeAt(event.offsetX)));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** A page has to scroll on, so that the wheel zooms only where the timeline has the focus, or Ctrl is held. */
  wheel(event) {
    if (!event.ctrlKey && document.activeElement !== this.timeline.canvas) return;
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.timeline.pan((event.deltaX || event.deltaY) / 1000);
    else this.timeline.zoom(Math.exp(event.deltaY / 400), this.timeline.timeAt(event.offsetX));
  }

  down(event) {
    this.timeline.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event.offsetX);
    this.begun = { x: event.offsetX, y: event.offsetY, view: { ...this.timeline.view } };
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const before = [...this.pointers.values()];
    this.pointers.set(event.pointerId, event.offsetX);
    const after = [...this.pointers.values()];
    if (after.length === 2) {
      const [was, is] = [Math.abs(before[0] - before[1]), Math.abs(after[0] - after[1])];
      if (was > 4 && is > 4) this.timeline.zoom(was / is, this.timeline.timeAt((after[0] + after[1]) / 2));
    } else if (Math.abs(event.offsetX - this.begun.x) > 3) {
      const shift = (this.begun.x - event.offsetX) / this.timeline.scale;
      this.timeline.show(this.begun.view.from + shift, this.begun.view.to + shift);
    }
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.begun && Math.abs(event.offsetX - this.begun.x) <= 3 && event.type === "pointerup") {
      this.timeline.told.chosen(this.timeline.at(event.offsetX, event.offsetY));
    }
  }

  key(event) {
    const { timeline } = this;
    const does = {
      ArrowLeft: () => timeline.pan(-0.2), ArrowRight: () => timeline.pan(0.2),
      "+": () => timeline.zoom(0.5), "=": () => timeline.zoom(0.5), "-": () => timeline.zoom(2),
      0: () => timeline.show(timeline.whole.from, timeline.whole.to), Home: () => timeline.show(timeline.whole.from, timeline.whole.to),
      n: () => timeline.told.chosen(timeline.neighbour(1)), p: () => timeline.told.chosen(timeline.neighbour(-1)),
      Escape: () => timeline.told.chosen(-1),
    }[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    does();
  }
}
