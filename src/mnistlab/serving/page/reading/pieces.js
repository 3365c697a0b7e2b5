// Connected pieces of ink, as in mnistlab.reading.pieces. A piece is {x, y, width, height, strength}: only its ink, at (x, y).

import { HIGH, LOW } from "./ink.js";
import { argsort, clip, largest, median, quantile } from "./numbers.js";
import { INK_LEVEL, typicalSize } from "./paper.js";
import { part, picture } from "./pictures.js";

const [SMALLEST, LARGEST] = [7, 2600];
const MOST_PIECES = 2000;

export const piece = (x, y, strength) => ({ x, y, width: strength.width, height: strength.height, right: x + strength.width, bottom: y + strength.height, strength });
export const boxOf = ({ x, y, width, height }) => [x, y, width, height];

/** The connected strokes, except specks, dust, faint print from the back of the page and whatever else is not writing. */
export function findPieces(ink) {
  const { strength } = ink;
  if (ink.isWhole) {
    const everything = trimmed(piece(0, 0, strength), 0, strength.width);
    return everything ? [everything] : [];
  }
  const { boxes, areas } = ink.strokes;
  if (boxes.length === 0) return [];
  const longest = boxes.map(([, , width, height]) => Math.max(width, height));
  const size = typicalSize(longest, areas);
  if (longest.length > 200 && median(longest) < SMALLEST && size < 2.5 * SMALLEST) return [];
  const isWriting = ([, , width, height], n) => {
    const fits = longest[n] >= Math.max(SMALLEST, 0.1 * size) && longest[n] <= Math.min(LARGEST, 3.5 * size);
    // A piece that crosses the whole picture is the edge of a shadow, a table or another sheet.
    const across = width >= 0.97 * strength.width && width > 8 * height;
    const down = height >= 0.97 * strength.height && height > 8 * width;
    return fits && !across && !down;
  };
  let numbers = [...boxes.keys()].filter((n) => isWriting(boxes[n], n));
  if (numbers.length > MOST_PIECES)
    numbers = argsort(numbers.map((n) => -longest[n])).slice(0, MOST_PIECES).map((i) => numbers[i]);
  const pieces = [];
  for (const n of numbers) {
    const [x, y] = boxes[n];
    const own = ink.ofStroke(n + 1);
    if (ink.rules && isLeftOfARule(own, part(ink.rules, x, y, own.width, own.height), ink.ruleLevel)) continue;
    if (largest(own.values) >= INK_LEVEL * HIGH) pieces.push(piece(x, y, own));
  }
  return pieces;
}

/** Whether a piece is left over from a rule: it is where rules were, and hardly darker than they are. */
function isLeftOfARule({ values }, rules, level) {
  const inked = values.filter((value) => value > 0);
  const ruled = values.reduce((sum, value, i) => sum + (value > 0 && rules.values[i] > 0), 0);
  return ruled > 0.8 * inked.length && quantile(inked, 0.75) < 1.5 * level;
}

/** The columns from `left` to `right`, exclusive, without empty rows and columns at the edges; null if there is no ink. */
export function trimmed({ x, y, strength }, left, right) {
  let [first, top, last, bottom] = [Infinity, Infinity, -1, -1];
  for (let row = 0; row < strength.height; row += 1) {
    for (let column = left; column < right; column += 1) {
      if (!(strength.values[row * strength.width + column] > INK_LEVEL * LOW)) continue;
      first = Math.min(first, column);
      last = Math.max(last, column);
      top = Math.min(top, row);
      bottom = row;
    }
  }
  return last < 0 ? null : piece(x + first, y + top, part(strength, first, top, last + 1 - first, bottom + 1 - top));
}

/** x, y, width, height of the piece's ink, in pixels of the picture of `size` (width, height). */
export function boxInPicture({ x, y, width, strength }, ink, size) {
  const points = [];
  strength.values.forEach((value, i) => {
    if (value > INK_LEVEL * LOW) points.push([x + (i % width), y + Math.floor(i / width)]);
  });
  return around(points, ink, size);
}

/** A box (x, y, width, height) of the ink, converted to pixels of the picture of `size`. */
export function inPicture([x, y, width, height], ink, size) {
  const [right, bottom] = [x + width - 1, y + height - 1];
  return around([[x, y], [right, y], [x, bottom], [right, bottom]], ink, size);
}

function around(points, { toPicture }, size) {
  return [0, 1]
    .map((axis) => {
      const [a, b, c] = toPicture[axis];
      let [low, high] = [Infinity, -Infinity];
      for (const [x, y] of points) {
        const place = a * x + b * y + c;
        low = Math.min(low, place);
        high = Math.max(high, place);
      }
      const half = (Math.abs(a) + Math.abs(b)) / 2 - 0.05;
      const begin = clip(Math.floor(low - half + 0.5), 0, size[axis] - 1);
      const end = Math.ceil(high + half + 0.5);
      return [begin, Math.max(1, Math.min(end, size[axis]) - begin)];
    })
    .reduce(([x, width], [y, height]) => [x, y, width, height]);
}

/** The two pieces as one. */
export function join(first, second) {
  const [x, y] = [Math.min(first.x, second.x), Math.min(first.y, second.y)];
  const width = Math.max(first.right, second.right) - x;
  const height = Math.max(first.bottom, second.bottom) - y;
  const values = new Uint8Array(width * height);
  for (const one of [first, second]) {
    one.strength.values.forEach((value, i) => {
      const at = (one.y - y + Math.floor(i / one.width)) * width + one.x - x + (i % one.width);
      if (value > values[at]) values[at] = value;
    });
  }
  return piece(x, y, picture(width, height, values));
}
