// The finder, a network that marks the centre, kind and size of each digit in one pass, and how it sees a picture at many sizes.
// As in mnistlab.reading.finder and looks.

import { readOnnx } from "../onnx/file.js";
import { Session } from "../onnx/session.js";
import { boxSums, dilated } from "./filters.js";
import { largest, roundEven } from "./numbers.js";
import { BORDERS, empty, framed, like, part, picture, resize, resized } from "./pictures.js";
import { CELL, grown, ofBoxes, windows, withHalo } from "./windows.js";

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
const SETTLED = 0.8;
const FEW = 0.05;
const AROUND_FOUND = 1;
const WHOLE = 160_000;
const [SPECK, REACH] = [3, 24];

export class Finder {
  constructor(bytes) {
    this.session = new Session(readOnnx(bytes));
  }

  /** Kinds (classes, h, w), boxes (4, h, w) and ink (H, W) for a contrast picture (H, W); H and W are multiples of `CELL`. */
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

/** The maxima, at least `LEAST`, of the kinds' probabilities in cells where `isNew` is true: [{x, y, width, height, kinds}]. */
function peaks({ kinds, boxes, columns, rows }, isNew) {
  const area = columns * rows;
  const best = new Float32Array(area);
  for (let i = 0; i < area; i += 1) for (let k = 0; k < CLASSES.length; k += 1) best[i] = Math.max(best[i], kinds[k * area + i]);
  const around = dilated(picture(columns, rows, best), 3).values;
  const found = [];
  for (let at = 0; at < area; at += 1) {
    if (!(best[at] >= around[at] && best[at] >= LEAST && isNew(at % columns, Math.floor(at / columns)))) continue;
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

/** A mark that was detected: {x, y, width, height, kinds, weight, level, isLight}, and what follows from these. */
export function foundMark(values) {
  const kind = values.kinds.indexOf(largest(values.kinds));
  return { ...values, kind, isDigit: kind < 10, isOther: kind === OTHER };
}

/**
 * What the network detects at one size: {scale, seen, ink, found, isLight}. `small` is the picture scaled by `scale`; with
 * `boxes`, in the picture's pixels, the network looks only there.
 */
export function look(finder, small, scale, number = 0, isLight = false, boxes = null) {
  const { width, height } = small;
  const [below, beside] = [height, width].map((side) => FRAME + ((CELL - ((side + 2 * FRAME) % CELL)) % CELL));
  const shown = isLight ? picture(width, height, small.values.map((value) => 255 - value)) : small;
  const seen = contrast(framed(shown, FRAME, below, FRAME, beside, BORDERS.replicate));
  const cells = empty(seen.width / CELL, seen.height / CELL);
  const wanted = boxes ? ofBoxes(boxes, scale, FRAME, cells) : like(cells, cells.values.map(() => 1));
  const ink = picture(seen.width, seen.height, new Float32Array(seen.values.length));
  const found = [];
  for (const window of windows(wanted)) {
    const [left, top, right, bottom] = withHalo(window, cells);
    const answer = finder.answer(part(seen, ...[left, top, right - left, bottom - top].map((side) => CELL * side)));
    copy(answer.ink, [left, top, right], ink, window);
    for (const peak of peaks(answer, (x, y) => isNewIn(cells, window, left + x, top + y))) {
      const isDigit = largest(peak.kinds.subarray(0, 10)) >= largest(peak.kinds.subarray(10, OTHER));
      const off = isDigit ? Math.log(peak.height / SIZES[1]) : 0;
      found.push(
        foundMark({
          x: (peak.x + CELL * left - FRAME) / scale,
          y: (peak.y + CELL * top - FRAME) / scale,
          width: peak.width / scale,
          height: peak.height / scale,
          kinds: peak.kinds,
          weight: largest(peak.kinds) * Math.exp(-0.5 * (off / SPREAD) ** 2),
          level: number,
          isLight,
        }),
      );
    }
    for (let row = window[1]; row < window[3]; row += 1) cells.values.fill(1, row * cells.width + window[0], row * cells.width + window[2]);
  }
  return { scale, seen: part(seen, FRAME, FRAME, width, height), ink: part(ink, FRAME, FRAME, width, height), found, isLight };
}

/** Whether a cell is in the window, and in no window before it. */
const isNewIn = (cells, [left, top, right, bottom], x, y) =>
  x >= left && x < right && y >= top && y < bottom && !cells.values[y * cells.width + x];

/** Copies the window's part of `seen`, ink from the cells `left`, `top` to `right`, to its place in the whole. */
function copy(seen, [left, top, right], whole, window) {
  const [from, first, to, last] = window.map((side) => CELL * side);
  const wide = CELL * (right - left);
  for (let y = first; y < last; y += 1) {
    const row = (y - CELL * top) * wide - CELL * left;
    whole.values.set(seen.subarray(row + from, row + to), y * whole.width + from);
  }
}

/** The scales: at the first, the picture or its largest box is only as large as a digit; the last is for the smallest digits. */
function scales({ width, height }, boxes) {
  const most = Math.min(SIZES[1] / SMALLEST, (MOST_PIXELS / (height * width)) ** 0.5);
  const least = SIZES[1] / Math.max(...(boxes ? boxes.flatMap((box) => box.slice(2)) : [width, height]));
  const count = Math.max(0, Math.ceil(Math.log(most / least) / Math.log(STEP)));
  return Array.from({ length: count + 1 }, (_, n) => most / STEP ** (count - n));
}

/** A picture at any size; each size is made from the picture halved as often as possible. */
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

/**
 * What the network detects at each size, from the smallest up, until every digit has been large enough. With the boxes of all
 * strokes, `inked`, the network looks at large sizes only where strokes have not been recognised.
 */
export function levels(finder, sizes, { isLight = false, most = MOST_PIXELS, first = 0, boxes = null, inked = null } = {}) {
  const looked = [];
  const [whole] = sizes.halves;
  const area = whole.width * whole.height;
  let places = boxes;
  for (const [number, scale] of scales(whole, boxes).entries()) {
    const pixels = scale ** 2 * area;
    if (pixels > 1.01 * most) break;
    looked.push(look(finder, sizes.at(scale), scale, first + number, isLight, places));
    const known = looked.flatMap(({ found }) => found.filter(({ weight, isDigit }) => weight > SURE && isDigit));
    const hints = looked.at(-1).found.filter((mark) => mark.isDigit && largest(mark.kinds) > HINT);
    const isSmall = ({ height }) => height * scale < FINE;
    if (known.length === 0) continue;
    if (pixels > ALWAYS && hints.filter(isSmall).length <= FEW * known.length) break;
    if (inked && pixels * STEP ** 2 > WHOLE) {
      places = around(hints.filter((mark) => isSmall(mark) || mark.weight <= SETTLED));
      if (pixels <= ALWAYS) {
        const settled = known.filter((mark) => !isSmall(mark) && mark.weight > SETTLED);
        places.push(...grown(unsettled(inked, settled, SPECK / scale), REACH / scale));
      }
    }
  }
  return looked;
}

/** The marks' boxes with their surroundings. */
const around = (found) =>
  grown(
    found.map(({ x, y, width, height }) => [x - width / 2, y - height / 2, width, height]),
    found.map(({ height }) => AROUND_FOUND * height),
  );

/** The boxes of strokes longer than `least` in which none of the marks has its centre. */
const unsettled = (inked, known, least) =>
  inked.filter(
    ([left, top, wide, high]) =>
      Math.max(wide, high) > least && !known.some(({ x, y }) => x > left && y > top && x < left + wide && y < top + high),
  );
