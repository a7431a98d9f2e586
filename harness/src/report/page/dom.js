// Elements, and figures in words. Text only ever goes in as text.

/** An element with properties, attributes (`data-…`, `aria-…`, `for`) and children; a child that is a string becomes text. */
function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.includes("-") || key === "for" || key === "role") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
function shape(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A text in a drawing. */
function label(x, y, text, attributes = {}) {
  return shape("text", { x, y, ...attributes }, text);
}

/** What is shown when the pointer rests on a shape. */
function titled(element, text) {
  element.append(shape("title", {}, text));
  return element;
}

/** A text that is cut after so many characters, since it has only so much room. */
function clipped(text, characters) {
  return text.length <= characters ? text : text.slice(0, Math.max(1, characters - 1)) + "…";
}

/** `9,610`. */
function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Microseconds for people: `870 µs`, `3.2 ms`, `1.05 s`. */
function duration(us) {
  if (us < 1e3) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1e3).toFixed(us < 1e4 ? 2 : 1)} ms`;
  return `${(us / 1e6).toFixed(2)} s`;
}

/** A moment, with as many digits as `step` (the distance to the next one that can be told apart) asks for. */
function moment(us, step = 1e3) {
  if (!data.timed) return `#${Math.round(us)}`;
  const digits = Math.max(0, Math.min(6, Math.ceil(6 - Math.log10(Math.max(1, step)))));
  return `${(us / 1e6).toFixed(digits)} s`;
}
