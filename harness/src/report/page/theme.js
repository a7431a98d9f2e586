// The colours of the style sheet, for what is drawn on a canvas.

let colours = {};

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["text", "quiet", "edge", "soft", "page", "ok", "fail", "info", "read", "write", "other", "fault", "bad", "mark"];
  const probe = el("span", { hidden: true });
  document.body.append(probe);
  // A colour that depends on the scheme is only settled where it is used.
  for (const name of names) {
    probe.style.color = style.getPropertyValue(`--${name}`);
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
}

/** Calls a function when the colours have changed. */
function onTheme(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColours();
    redraw();
  });
}
