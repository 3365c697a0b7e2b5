// Turns the finder's detections into digits: cuts out the ink of each, has the classifier read it, and combines the two answers.
// As in mnistlab.reading.spots. A spot is {found, piece, scale, image, probabilities, darkness, sure}.

import { classifyAll } from "./assembly.js";
import { dilated } from "./filters.js";
import { OTHER } from "./finder.js";
import { toMnistForm } from "./form.js";
import { clip, largest, median, quantile, smallest } from "./numbers.js";
import { like, part, picture } from "./pictures.js";
import { piece, trimmed } from "./pieces.js";
import { components } from "./regions.js";

const AROUND = 1;
const INSIDE = 0.5;
const DOUBT = 0.01;
const LEAST_INK = 0.4;
const PAPER = 0.8;
const STROKE = 80;

/** The digits among the detections, and other marks as large as digits. */
export function spots(classifier, found, levels) {
  const pairs = found
    .filter(({ isDigit, isOther }) => isDigit || isOther)
    .map((mark) => ({ mark, ink: inkOf(mark, found, levels[mark.level]) }))
    .filter(({ ink }) => ink);
  const images = pairs.map(({ ink }) => toMnistForm(ink));
  return classifyAll(classifier, images).map((seen, n) => {
    const { mark, ink } = pairs[n];
    const level = levels[mark.level];
    const probabilities = together(seen, mark.kinds);
    return {
      found: mark, piece: ink, scale: level.scale, image: images[n], probabilities, darkness: darkness(ink, level), sure: largest(probabilities),
    };
  });
}

/** Whether there is ink for most of what the finder found, rather than for a small part of it. */
export function isWhole({ piece: own, scale, found }) {
  const [high, wide] = [own.height / scale, own.width / scale];
  return high > LEAST_INK * found.height || wide > LEAST_INK * Math.max(found.width, found.height);
}

/** x, y, width, height of a spot's ink, in pixels of the picture of `size` (width, height). */
export function boxOfSpot({ piece: own, scale }, size) {
  const left = clip(Math.trunc(own.x / scale), 0, size[0] - 1);
  const top = clip(Math.trunc(own.y / scale), 0, size[1] - 1);
  const [right, bottom] = [Math.ceil(own.right / scale), Math.ceil(own.bottom / scale)];
  return [left, top, Math.max(1, Math.min(right, size[0]) - left), Math.max(1, Math.min(bottom, size[1]) - top)];
}

/** How much darker a piece's ink is (its median) than the paper in its box. */
function darkness({ x, y, width, height, strength }, { seen }) {
  const { values } = part(seen, x, y, width, height);
  const stroke = values.filter((_, i) => strength.values[i] > STROKE);
  return stroke.length ? quantile(values, PAPER) - median(stroke) : 0;
}

/** The classifier's and the finder's probabilities combined: lower if the mark may be something other than a digit. */
function together(seen, found) {
  const [digit, other] = [largest(found.subarray(0, 10)), found[OTHER]];
  const both = agreed(seen, found.subarray(0, 10));
  return lessened(both, (largest(both) * digit) / Math.max(digit + other, 1e-6));
}

/** Several networks' probabilities for one mark, multiplied; no single network can rule out a digit. */
export function agreed(...opinions) {
  const product = new Float64Array(opinions[0].length).fill(1);
  for (const opinion of opinions) {
    const sum = Math.max(opinion.reduce((total, value) => total + value, 0), 1e-6);
    for (let i = 0; i < product.length; i += 1) product[i] *= opinion[i] / sum + DOUBT;
  }
  const total = product.reduce((sum, value) => sum + value, 0);
  return Float32Array.from(product, (value) => value / total);
}

/** The probabilities with the largest one lowered to `sure`, if it is higher; the order of classes stays, and the sum is 1. */
export function lessened(probabilities, sure) {
  const best = largest(probabilities);
  const even = 1 / probabilities.length;
  if (best <= Math.max(sure, even)) return probabilities;
  const share = (Math.max(sure, even) - even) / (best - even);
  return probabilities.map((value) => share * value + (1 - share) * even);
}

/** The ink of one digit, without ink that is closer to another mark; null if no ink is left. */
function inkOf(mark, others, level) {
  const [high, wide] = [mark.height, Math.max(mark.width, 0.3 * mark.height)];
  const { scale, ink, seen } = level;
  const [left, right] = [-AROUND, AROUND].map((side) => Math.trunc(clip((mark.x + side * wide) * scale, 0, ink.width)));
  const [top, bottom] = [-AROUND, AROUND].map((side) => Math.trunc(clip((mark.y + side * high) * scale, 0, ink.height)));
  if (right - left < 2 || bottom - top < 2) return null;
  const size = [right - left, bottom - top];
  const distance = (to) => distances(to, left, top, ...size, scale);
  const own = distance(mark);
  const mine = own.map(() => 1);
  for (const other of others) {
    const isNear = Math.abs(other.x - mark.x) < wide + other.width && Math.abs(other.y - mark.y) < high + other.height;
    if (other === mark || !isNear) continue;
    distance(other).forEach((theirs, i) => {
      if (own[i] > theirs) mine[i] = 0;
    });
  }
  let shown = part(ink, left, top, ...size).values;
  if (!mark.isDigit) {
    const dark = part(seen, left, top, ...size).values;
    const most = Math.max(1e-3, -smallest(dark));
    shown = dark.map((value) => clip(-value / most, 0, 1));
  }
  const alone = Uint8Array.from(shown, (value, i) => Math.trunc(255 * value * mine[i]));
  const whole = hangingTogether(picture(...size, alone), (i) => own[i] < INSIDE);
  return trimmed(piece(left, top, whole), 0, right - left);
}

/** How far each pixel of a part is from a mark's centre, relative to the mark's size. */
function distances(to, left, top, width, height, scale) {
  const wide = Math.max(to.width, 0.3 * to.height);
  const made = new Float64Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const down = Math.abs((top + y + 0.5) / scale - to.y) / to.height;
    for (let x = 0; x < width; x += 1) made[y * width + x] = Math.max(Math.abs((left + x + 0.5) / scale - to.x) / wide, down);
  }
  return made;
}

/** The ink of the strokes that reach into a digit's box, each stroke as a whole. */
function hangingTogether(ink, isInside) {
  const { labels } = components(like(ink, ink.values.map((value) => (value > STROKE ? 1 : 0))));
  const reaching = new Set(labels.filter((label, i) => label && isInside(i)));
  const near = dilated(like(ink, Uint8Array.from(labels, (label) => (reaching.has(label) ? 1 : 0))), 3).values;
  return like(ink, ink.values.map((value, i) => value * near[i]));
}
