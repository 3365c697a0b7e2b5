// How digits are laid out on a page: which form a line, and in what order a person reads them. As in mnistlab.reading.layout.

import { argsort, clip, mean, median, quantile } from "./numbers.js";

const MOST_LINES = 100;

/** The median height in pixels of the boxes (x, y, width, height), without the small ones; 0 if there are none. */
export function typicalHeight(boxes) {
  if (boxes.length === 0) return 0;
  const heights = boxes.map((box) => box[3]);
  const least = 0.5 * quantile(heights, 0.9);
  return median(heights.filter((height) => height >= least));
}

/** The indices of the boxes, line by line from the top, each line from left to right. */
export function linesOf(boxes) {
  if (boxes.length === 0) return [];
  const size = typicalHeight(boxes);
  const group = boxes.map((_, i) => i);
  const x = boxes.map((box) => box[0] + box[2] / 2);
  const y = boxes.map((box) => box[1] + box[3] / 2);
  for (const i of argsort(x)) {
    const nearest = nextAfter(i, boxes, x, y, size);
    if (nearest < 0) continue;
    const joined = group[nearest];
    group.forEach((one, n) => {
      if (one === joined) group[n] = group[i];
    });
  }
  const numbers = [...new Set(group)].sort((a, b) => a - b);
  const lines = merged(numbers.map((g) => [...group.keys()].filter((n) => group[n] === g)), x, y, size);
  const levels = lines.map((line) => mean(line.map((n) => y[n])));
  return argsort(levels).map((n) => argsort(lines[n].map((i) => x[i])).map((i) => lines[n][i]));
}

/** The nearest box to the right that continues the line of box `i`; -1 if there is none. */
function nextAfter(i, boxes, x, y, size) {
  let [best, nearest] = [Infinity, -1];
  boxes.forEach((box, n) => {
    if (!(x[n] > x[i])) return;
    const gap = box[0] - (boxes[i][0] + boxes[i][2]);
    const apart = Math.abs(y[n] - y[i]);
    const tall = Math.min(Math.max(box[3], size / 2), Math.max(boxes[i][3], size / 2));
    if (!(gap < 2.5 * size && apart < 0.55 * tall + 0.12 * clip(gap, 0, size))) return;
    if (gap + 2 * apart < best) [best, nearest] = [gap + 2 * apart, n];
  });
  return nearest;
}

/** Merges lines that are at the same height, allowing for their slope. */
function merged(given, x, y, size) {
  const slope = usualSlope(given, x, y);
  const level = (numbers) => mean(numbers.map((n) => y[n] - slope * x[n]));
  const result = [];
  for (const line of [...given].sort((a, b) => b.length - a.length)) {
    const middle = mean(line.map((n) => x[n]));
    const at = result.slice(0, MOST_LINES).findIndex((other) => {
      const near = argsort(other.map((n) => Math.abs(x[n] - middle))).slice(0, 3);
      return Math.abs(level(near.map((i) => other[i])) - level(line)) < 0.4 * size; // lines bend: compare where they meet
    });
    if (at < 0) result.push(line);
    else result[at] = [...result[at], ...line];
  }
  return result;
}

/** The median slope, in pixels down per pixel to the right, of the lines with four digits or more; 0 if there are none. */
function usualSlope(lines, x, y) {
  const slopes = lines
    .filter((line) => line.length >= 4)
    .map((line) => {
      const [middle, level] = [mean(line.map((n) => x[n])), mean(line.map((n) => y[n]))];
      const both = line.reduce((sum, n) => sum + (x[n] - middle) * (y[n] - level), 0);
      return both / line.reduce((sum, n) => sum + (x[n] - middle) ** 2, 0);
    });
  return slopes.length ? median(slopes) : 0;
}
