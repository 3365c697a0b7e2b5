// The parts of a picture that the finder looks at, because most of a page is blank. As in mnistlab.reading.windows.

import { empty } from "./pictures.js";

export const CELL = 4;
const HALO = 4;
const TILE = 16;
const START = 64;

/** The boxes [x, y, width, height], extended on all sides by one number, or each by its own. */
export const grown = (boxes, by) =>
  boxes.map(([x, y, width, height], n) => {
    const more = by[n] ?? by;
    return [x - more, y - more, width + 2 * more, height + 2 * more];
  });

/** A window, [left, top, right, bottom] in cells, and what the network sees around it. */
export const withHalo = ([left, top, right, bottom], { width, height }) => [
  Math.max(0, left - HALO),
  Math.max(0, top - HALO),
  Math.min(right + HALO, width),
  Math.min(bottom + HALO, height),
];

const cost = ([left, top, right, bottom]) => (right - left + 2 * HALO) * (bottom - top + 2 * HALO) + START;

const together = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];

/** Which cells of a picture, scaled and framed, lie in boxes of the original picture: {width, height, values}, 1 inside. */
export function ofBoxes(boxes, scale, frame, { width, height }) {
  const cells = empty(width, height);
  for (const [x, y, wide, high] of boxes) {
    const [left, top] = [x, y].map((start) => Math.max(0, Math.trunc((scale * start + frame) / CELL)));
    const [right, bottom] = [x + wide, y + high].map((end) => Math.ceil((scale * end + frame) / CELL));
    for (let row = top; row < Math.min(bottom, height); row += 1)
      cells.values.fill(1, row * width + left, row * width + Math.max(left, Math.min(right, width)));
  }
  return cells;
}

/** The smallest window around the wanted cells of a tile; null if there are none. */
function windowIn({ width, height, values }, left, top) {
  let found = null;
  for (let row = top; row < Math.min(top + TILE, height); row += 1)
    for (let column = left; column < Math.min(left + TILE, width); column += 1)
      if (values[row * width + column]) {
        const cell = [column, row, column + 1, row + 1];
        found = found ? together(found, cell) : cell;
      }
  return found;
}

/** Windows that cover all wanted cells and few others; two are merged if one window around both costs less. */
export function windows(wanted) {
  const found = [];
  for (let top = 0; top < wanted.height; top += TILE)
    for (let left = 0; left < wanted.width; left += TILE) {
      let one = windowIn(wanted, left, top);
      if (!one) continue;
      while (found.length) {
        const gains = found.map((other) => cost(other) + cost(one) - cost(together(one, other)));
        const best = gains.indexOf(Math.max(...gains));
        if (gains[best] < 0) break;
        one = together(one, ...found.splice(best, 1));
      }
      found.push(one);
    }
  return found;
}
