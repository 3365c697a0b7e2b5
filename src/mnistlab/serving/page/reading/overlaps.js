// Merges the finder's detections at several sizes, so that each mark is kept only once, and no two marks share a spot.
// As in mnistlab.reading.overlaps.

import { CLASSES, foundMark, LEAST } from "./finder.js";
import { overlap, SAME } from "./marks.js";
import { argsort, largest, roundEven } from "./numbers.js";

const COMMON = 0.2;
const ALIKE = 0.45;
const ENOUGH = 0.65;
const APART = 0.57;
const BELOW = 0.5;
const MOST_FOUND = 3000;
const [LINE, BESIDE] = [0.5, 3];

/** The marks in a picture: each once, even if it was found at several sizes, and no two marks in one spot. */
export function find(looked) {
  const found = looked
    .flatMap((level) => level.found.filter(({ weight }) => weight > LEAST))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, MOST_FOUND);
  if (found.length === 0) return [];
  const high = found.map(({ height }) => Math.log(Math.fround(height)));
  const alike = high.map((own) =>
    found.reduce((sum, { weight, isDigit }, n) => (isDigit ? sum + weight * Math.exp(-0.5 * ((own - high[n]) / ALIKE) ** 2) : sum), 0),
  );
  const sameAs = (one) => found.filter((other) => isSame(one, other) && one.isDigit === other.isDigit);
  const shown = found.map((one) => sameAs(one).reduce((sum, { weight }) => sum + weight, 0));
  const most = Math.max(largest(alike), 1e-9);
  const rank = shown.map((sum, n) => sum * (alike[n] / most) ** COMMON);
  const left = found.map(() => true);
  const kept = [];
  for (const number of argsort(rank.map((one) => -one))) {
    if (!left[number]) continue;
    const best = found[number];
    if (shown[number] > ENOUGH) kept.push(foundMark({ ...best, kinds: together(sameAs(best)), weight: shown[number] }));
    found.forEach((other, n) => {
      if (isExcluded(best, other)) left[n] = false;
    });
  }
  return kept.map((mark) => (beginsALine(mark, kept) ? asOne(mark) : mark));
}

/** The weighted mean of the marks' kinds. */
function together(marks) {
  const total = marks.reduce((sum, { weight }) => sum + weight, 0);
  return Float32Array.from(CLASSES, (_, k) => marks.reduce((sum, { kinds, weight }) => sum + kinds[k] * weight, 0) / total);
}

/** Whether a mark taken for a slash has digits only on its right: a slash separates two numbers, so the mark is a leaning 1. */
function beginsALine(mark, others) {
  if (CLASSES[mark.kind] !== "/") return false;
  const beside = others.filter(
    (other) =>
      other.isDigit && Math.abs(other.y - mark.y) < LINE * mark.height && Math.abs(other.x - mark.x) < BESIDE * mark.height,
  );
  return beside.length > 0 && beside.every((other) => other.x > mark.x);
}

/** A slash as the digit 1. */
function asOne(slash) {
  const kinds = slash.kinds.slice();
  const at = CLASSES.indexOf("/");
  [kinds[1], kinds[at]] = [kinds[at], kinds[1]];
  return foundMark({ ...slash, kinds });
}

/** Whether the finder detected, for each of these boxes, a digit with about the same box at any size; no two may share a spot. */
export function areSupported(boxes, detected) {
  const nearest = boxes.map((box) => {
    const shares = detected.map((mark) => overlap(box, around(mark)));
    return shares.length && largest(shares) > SAME ? detected[shares.indexOf(largest(shares))] : null;
  });
  return nearest.every((one, n) => one && nearest.slice(0, n).every((other) => !isExcluded(one, other)));
}

/** A mark's box in whole pixels. */
const around = ({ x, y, width, height }) => [
  roundEven(x - width / 2),
  roundEven(y - height / 2),
  roundEven(width) || 1,
  roundEven(height) || 1,
];

/** Whether two marks are the same, perhaps seen at different sizes. */
function isSame(one, other) {
  const [across, down] = [Math.abs(one.x - other.x), Math.abs(one.y - other.y)];
  const narrow = Math.min(one.width, other.width);
  const low = Math.min(one.height, other.height);
  const isNear = across < 0.35 * Math.max(narrow, 0.3 * low) && down < 0.3 * low;
  return isNear && Math.max(one.height, other.height) < 1.45 * low && one.isLight === other.isLight;
}

/** Whether two marks exclude each other, because their centres are too close. */
function isExcluded(one, other) {
  const [across, down] = [Math.abs(one.x - other.x), Math.abs(one.y - other.y)];
  return across < APART * Math.max(one.width, other.width) && down < BELOW * Math.max(one.height, other.height);
}
