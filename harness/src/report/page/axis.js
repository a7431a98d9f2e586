// An axis of time for a few moments that may lie far apart: where something happens it is stretched, and what lies between is folded.

/**
 * `spans` are stretches of time in which something happens. The result maps times to places from `left` to `right`, and lists the folds.
 */
function foldedAxis(spans, left, right) {
  const merged = [];
  const sorted = [...spans].sort((one, other) => one[0] - other[0]);
  const total = sorted.reduce((sum, [from, to]) => sum + (to - from), 0) || 1;
  for (const [from, to] of sorted) {
    const room = Math.max((to - from) * 0.3, total * 0.04);
    const [begin, end] = [from - room, to + room];
    const last = merged[merged.length - 1];
    // What is nearer than a fold would be wide is not folded.
    if (last && begin <= last[1] + total * 0.25) last[1] = Math.max(last[1], end);
    else merged.push([begin, end]);
  }
  const FOLD = 46;
  const width = right - left - FOLD * (merged.length - 1);
  // A short stretch still needs room for its labels, so that places grow with the root of the time.
  const weights = merged.map(([from, to]) => Math.sqrt(to - from));
  const weight = weights.reduce((sum, one) => sum + one, 0);
  let x = left;
  const pieces = merged.map(([from, to], place) => {
    const piece = { from, to, x, width: (width * weights[place]) / weight };
    x += piece.width + FOLD;
    return piece;
  });
  const at = (time) => {
    for (const [place, piece] of pieces.entries()) {
      if (time < piece.from) {
        if (place === 0) return left;
        const before = pieces[place - 1];
        const share = (time - before.to) / (piece.from - before.to);
        return before.x + before.width + share * FOLD;
      }
      if (time <= piece.to) return piece.x + ((time - piece.from) / (piece.to - piece.from)) * piece.width;
    }
    return right;
  };
  const folds = pieces.slice(1).map((piece, place) => {
    const before = pieces[place];
    return { x: before.x + before.width, width: FOLD, time: piece.from - before.to };
  });
  return { at, pieces, folds };
}

/** Round distances between marks, about `count` of them. */
function roundStep(length, count) {
  const rough = length / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}
