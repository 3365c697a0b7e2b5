// The network that marks the centre, kind and size of each digit in one pass, and how it is shown a picture at many sizes.
// As mnistlab.reading.finder and looks.

import { readOnnx } from "../onnx/file.js";
import { Session } from "../onnx/session.js";
import { boxSums, dilated } from "./filters.js";
import { largest, roundEven } from "./numbers.js";
import { BORDERS, framed, part, picture, resize, resized } from "./pictures.js";

const CELL = 4;
export const SIZES = [14, 22];
const AROUND = 65;
export const CLASSES = [..."0123456789.,-/%:?"];
export const OTHER = CLASSES.indexOf("?");

const SMALLEST = 8;
const STEP = 2 ** 0.5;
export const MOST_PIXELS = 2_500_000;
export const FRAME = 16;
const HINT = 0.3;
export const ALWAYS = 400_000;
export const LEAST = 0.25;
const SPREAD = 0.4;
const SURE = 0.5;
const FINE = 19;

export class Finder {
  constructor(bytes) {
    this.session = new Session(readOnnx(bytes));
  }

  /** Kinds (classes, h, w), boxes (4, h, w) and ink (H, W) for a contrast picture whose sides are multiples of `CELL`. */
  answer({ width, height, values }) {
    const made = this.session.run({ contrast: { shape: [1, 1, height, width], values } });
    const [kinds, boxes, ink] = ["kinds", "boxes", "ink"].map((name) => made.get(name).values);
    return { kinds, boxes, ink, columns: width / CELL, rows: height / CELL };
  }
}

/** How much lighter each pixel is than its surroundings, relative to their lightness: values Float32Array. */
function contrast(gray) {
  const sums = boxSums(gray, AROUND, AROUND, BORDERS.reflect101);
  const made = new Float32Array(sums.length);
  for (let i = 0; i < made.length; i += 1) {
    const around = Math.fround(sums[i] / (AROUND * AROUND));
    made[i] = Math.fround(gray.values[i] - around) / Math.fround(Math.fround(0.25 * around) + 16);
  }
  return picture(gray.width, gray.height, made);
}

/** The peaks of the kinds' probabilities from `LEAST` on: [{x, y, width, height, kinds}]. */
function peaks({ kinds, boxes, columns, rows }) {
  const area = columns * rows;
  const best = new Float32Array(area);
  for (let i = 0; i < area; i += 1) for (let k = 0; k < CLASSES.length; k += 1) best[i] = Math.max(best[i], kinds[k * area + i]);
  const around = dilated(picture(columns, rows, best), 3).values;
  const found = [];
  for (let at = 0; at < area; at += 1) {
    if (!(best[at] >= around[at] && best[at] >= LEAST)) continue;
    const [dx, dy, wide, high] = [0, 1, 2, 3].map((k) => boxes[k * area + at]);
    found.push({
      x: ((at % columns) + 0.5 + dx) * CELL,
      y: (Math.floor(at / columns) + 0.5 + dy) * CELL,
      width: SIZES[0] * Math.exp(wide),
      height: SIZES[1] * Math.exp(high),
      kinds: Float32Array.from(CLASSES, (_, k) => kinds[k * area + at]),
    });
  }
  return found;
}

/** A mark that was found: {x, y, width, height, kinds, weight, level, isLight} and what follows from that. */
export function foundMark(values) {
  const kind = values.kinds.indexOf(largest(values.kinds));
  return { ...values, kind, isDigit: kind < 10, isOther: kind === OTHER };
}

/** Left, top, width and height of a box of the picture, with a frame around it, in the framed picture; null means all of it. */
function windowOf(box, scale, seen) {
  if (!box) return [0, 0, seen.width, seen.height];
  const [x, y, wide, high] = box.map((side) => (scale * side) / CELL);
  const [left, top] = [x, y].map((start) => CELL * Math.trunc(start));
  const [right, bottom] = [x + wide, y + high].map((end) => CELL * Math.ceil(end) + 2 * FRAME);
  return [left, top, Math.min(right, seen.width) - left, Math.min(bottom, seen.height) - top];
}

/** A picture of that size, 0 except for `inner` at that place. */
function placed(inner, left, top, { width, height }) {
  const made = new Float32Array(width * height);
  for (let y = 0; y < inner.height; y += 1)
    made.set(inner.values.subarray(y * inner.width, (y + 1) * inner.width), (top + y) * width + left);
  return picture(width, height, made);
}

/**
 * What the network finds at one size: {scale, seen, ink, found, isLight}. `small` is `scale` times as large as the picture; with
 * `box`, in the picture's pixels, it looks only there.
 */
export function look(finder, small, scale, number = 0, isLight = false, box = null) {
  const { width, height } = small;
  const [below, beside] = [height, width].map((side) => FRAME + ((CELL - ((side + 2 * FRAME) % CELL)) % CELL));
  const shown = isLight ? picture(width, height, small.values.map((value) => 255 - value)) : small;
  const seen = contrast(framed(shown, FRAME, below, FRAME, beside, BORDERS.replicate));
  const [left, top, wide, high] = windowOf(box, scale, seen);
  const answer = finder.answer(part(seen, left, top, wide, high));
  const found = peaks(answer).map((peak) => {
    const isDigit = largest(peak.kinds.subarray(0, 10)) >= largest(peak.kinds.subarray(10, OTHER));
    const off = isDigit ? Math.log(peak.height / SIZES[1]) : 0;
    return foundMark({
      x: (peak.x + left - FRAME) / scale,
      y: (peak.y + top - FRAME) / scale,
      width: peak.width / scale,
      height: peak.height / scale,
      kinds: peak.kinds,
      weight: largest(peak.kinds) * Math.exp(-0.5 * (off / SPREAD) ** 2),
      level: number,
      isLight,
    });
  });
  const ink = placed(picture(wide, high, answer.ink), left, top, seen);
  return { scale, seen: part(seen, FRAME, FRAME, width, height), ink: part(ink, FRAME, FRAME, width, height), found, isLight };
}

/** The sizes at which to look at a picture: from where it, or its `box`, is as high as a digit, to the smallest digits. */
function scales({ width, height }, box) {
  const most = Math.min(SIZES[1] / SMALLEST, (MOST_PIXELS / (height * width)) ** 0.5);
  const least = SIZES[1] / Math.max(...(box ? box.slice(2) : [width, height]));
  const count = Math.max(0, Math.ceil(Math.log(most / least) / Math.log(STEP)));
  return Array.from({ length: count + 1 }, (_, n) => most / STEP ** (count - n));
}

/** A picture at any size, each made from one less than twice as large. */
export class Sizes {
  constructor(gray) {
    this.halves = [gray];
  }

  at(scale) {
    const last = () => this.halves.at(-1);
    while (scale <= 0.5 ** this.halves.length && Math.min(last().width, last().height) > 1) this.halves.push(resized(last(), 0.5));
    const [width, height] = [this.halves[0].width, this.halves[0].height].map((side) => Math.max(1, roundEven(side * scale)));
    const base = this.halves[Math.min(this.halves.length - 1, Math.trunc(-Math.log2(Math.min(scale, 1))))];
    return resize(base, width, height, scale > 1 ? "cubic" : "area");
  }
}

/** What the network finds at each size, from the smallest up, until everything there has been large enough. */
export function levels(finder, sizes, { isLight = false, most = MOST_PIXELS, first = 0, box = null } = {}) {
  const looked = [];
  const [whole] = sizes.halves;
  const area = whole.width * whole.height;
  for (const [number, scale] of scales(whole, box).entries()) {
    const pixels = scale ** 2 * area;
    if (pixels > 1.01 * most) break;
    looked.push(look(finder, sizes.at(scale), scale, first + number, isLight, box));
    if (pixels > ALWAYS && !isWorthMore(looked)) break;
  }
  return looked;
}

/** Whether a larger size may show digits better: if none is known yet, or there are hints of small ones. */
function isWorthMore(looked) {
  const known = looked.flatMap(({ found }) => found.filter(({ weight, isDigit }) => weight > SURE && isDigit));
  const { found, scale } = looked.at(-1);
  const hints = found.filter((mark) => mark.isDigit && largest(mark.kinds) > HINT && mark.height * scale < FINE);
  return known.length === 0 || hints.length > 0.05 * known.length;
}

