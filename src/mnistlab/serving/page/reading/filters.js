// OpenCV's filters over each pixel's neighbourhood: the largest or smallest value, the mean, the median, Gaussian blur.

import { bytesOf, engine } from "../onnx/wasm.js";
import { clip, largest, roundEven, smallest } from "./numbers.js";
import { BORDERS, like } from "./pictures.js";

/** Replaces each value by the larger (or smaller) of itself and the value `away` after it. */
function withNext(values, away, isLargest) {
  const last = values.length - away;
  if (values.buffer === engine?.memory.buffer) engine[isLargest ? "larger" : "smaller"](0, away, (last + 15) & ~15);
  else if (isLargest) for (let i = 0; i < last; i += 1) values[i] = values[i] > values[i + away] ? values[i] : values[i + away];
  else for (let i = 0; i < last; i += 1) values[i] = values[i] < values[i + away] ? values[i] : values[i + away];
}

/** Replaces each value by the largest (or smallest) of `side` values, `step` apart, from it on: first of 2, then of 4, ... */
function ofNext(values, side, step, isLargest) {
  let seen = 1;
  for (; 2 * seen <= side; seen *= 2) withNext(values, seen * step, isLargest);
  if (seen < side) withNext(values, (side - seen) * step, isLargest);
}

/** Room for that many numbers of the type of `values`; bytes are in the engine's memory, padded, until the next call. */
const emptyFrame = (values, count) =>
  engine && values instanceof Uint8Array ? bytesOf(count + 32).subarray(0, count) : new values.constructor(count);

/** The largest (or smallest) of the wide x high values (odd sides) around each; what is outside does not count. */
function extreme({ width, height, channels, values }, wide, high, isLargest) {
  const [across, down] = [wide >> 1, high >> 1];
  const rowLength = (width + 2 * across) * channels;
  const line = width * channels;
  const frame = emptyFrame(values, rowLength * (height + 2 * down));
  if (!isLargest) frame.fill(values instanceof Uint8Array ? 255 : Infinity);
  else frame.fill(values instanceof Uint8Array ? 0 : -Infinity);
  for (let row = 0; row < height; row += 1)
    frame.set(values.subarray(row * line, (row + 1) * line), (row + down) * rowLength + across * channels);
  if (wide > 1) ofNext(frame, wide, channels, isLargest);
  if (high > 1) ofNext(frame, high, rowLength, isLargest);
  const made = new values.constructor(values.length);
  for (let row = 0; row < height; row += 1) made.set(frame.subarray(row * rowLength, row * rowLength + line), row * line);
  return { width, height, channels, values: made };
}

/** `change` applied to each channel separately. */
function eachChannel(given, change) {
  const { channels, values, width, height } = given;
  const made = new values.constructor(values.length);
  for (let c = 0; c < channels; c += 1) {
    const own = new values.constructor(width * height);
    for (let i = 0; i < own.length; i += 1) own[i] = values[i * channels + c];
    const changed = change({ width, height, channels: 1, values: own });
    for (let i = 0; i < own.length; i += 1) made[i * channels + c] = changed[i];
  }
  return like(given, made);
}

/** cv2.dilate and cv2.erode with a rectangle of odd sides. */
export const dilated = (given, wide, high = wide) => extreme(given, wide, high, true);
export const eroded = (given, wide, high = wide) => extreme(given, wide, high, false);

/** cv2.dilate and cv2.erode with a disc: cv2.MORPH_ELLIPSE with 2 * radius + 1 pixels per side. */
export function byDisc(given, radius, isLargest) {
  const { width, height } = given;
  const made = new Uint8Array(given.values.length).fill(isLargest ? 0 : 255);
  const known = new Map();
  for (let down = -radius; down <= radius; down += 1) {
    const reach = roundEven(radius * Math.sqrt((radius * radius - down * down) / (radius * radius)));
    if (!known.has(reach)) known.set(reach, extreme(given, 2 * reach + 1, 1, isLargest).values);
    const rows = known.get(reach);
    for (let y = Math.max(0, -down); y < Math.min(height, height - down); y += 1) {
      for (let x = 0; x < width; x += 1) {
        const value = rows[(y + down) * width + x];
        const at = y * width + x;
        if (isLargest ? value > made[at] : value < made[at]) made[at] = value;
      }
    }
  }
  return like(given, made);
}

/** The sums of the `side` values (odd) around each, along lines; `border` says what is outside. */
function sumsAlong(values, count, lineStep, length, step, side, border) {
  const half = side >> 1;
  const made = new Float64Array(values.length);
  const places = Int32Array.from({ length: length + 2 * half }, (_, i) => border(i - half, length) * step);
  for (let number = 0; number < count; number += 1) {
    const start = number * lineStep;
    let sum = 0;
    for (let i = 0; i < side - 1; i += 1) sum += values[start + places[i]];
    for (let i = 0; i < length; i += 1) {
      sum += values[start + places[i + side - 1]];
      made[start + i * step] = sum;
      sum -= values[start + places[i]];
    }
  }
  return made;
}

/** The sums of the wide x high values (odd sides) around each: Float64Array. */
export function boxSums({ width, height, values }, wide, high, border = BORDERS.reflect101) {
  const rows = wide > 1 ? sumsAlong(values, height, width, width, 1, wide, border) : values;
  return high > 1 ? sumsAlong(rows, width, 1, height, width, high, border) : rows;
}

/** cv2.blur of 8 bits along the rows; for an even number of pixels, OpenCV's anchor is the one after the middle. */
export function blurredAlong(given, wide) {
  const { width, height, values } = given;
  const before = wide >> 1;
  const places = Int32Array.from({ length: width + wide }, (_, i) => BORDERS.reflect101(i - before, width));
  const made = new Uint8Array(values.length);
  for (let row = 0; row < height; row += 1) {
    let sum = 0;
    for (let i = 0; i < wide - 1; i += 1) sum += values[row * width + places[i]];
    for (let i = 0; i < width; i += 1) {
      sum += values[row * width + places[i + wide - 1]];
      made[row * width + i] = roundEven(sum / wide);
      sum -= values[row * width + places[i]];
    }
  }
  return like(given, made);
}

/** cv2.medianBlur with an odd side; outside, the picture's edge is repeated. */
export function medianBlurred(given, side) {
  const { width, height, values } = given;
  const rank = (side * side) >> 1; // this many are smaller, or equal
  const white = sumsOf(given, 255, side);
  let black = null;
  const made = new Uint8Array(values.length);
  for (let y = 0; y < height; y += 1) {
    const around = new Surroundings(given, y, side >> 1);
    for (let x = 0; x < width; x += 1) {
      const at = y * width + x;
      if (white[at] > rank) {
        made[at] = 255;
        continue;
      }
      black ??= sumsOf(given, 0, side);
      if (black[at] <= rank) made[at] = around.middle(x, rank);
    }
  }
  return like(given, made);
}

/** How many of the side x side values around each are `wanted`. */
function sumsOf(given, wanted, side) {
  const is = new Uint8Array(given.values.length);
  for (let i = 0; i < is.length; i += 1) is[i] = given.values[i] === wanted ? 1 : 0;
  return boxSums(like(given, is), side, side, BORDERS.replicate);
}

/** How often each value occurs around the places of a row; from one place to the next, one column leaves and one enters. */
class Surroundings {
  constructor(given, y, half) {
    Object.assign(this, { given, y, half, counts: new Uint32Array(256), x: -Infinity });
  }

  #count(column, change) {
    const { width, height, values } = this.given;
    const at = clip(column, 0, width - 1);
    for (let row = this.y - this.half; row <= this.y + this.half; row += 1)
      this.counts[values[clip(row, 0, height - 1) * width + at]] += change;
  }

  middle(x, rank) {
    if (this.x === x - 1) {
      this.#count(x - 1 - this.half, -1);
      this.#count(x + this.half, 1);
    } else {
      this.counts.fill(0);
      for (let column = x - this.half; column <= x + this.half; column += 1) this.#count(column, 1);
    }
    this.x = x;
    let sum = 0;
    let value = -1;
    while (sum <= rank) sum += this.counts[++value];
    return value;
  }
}

/** cv2.GaussianBlur of 8 bits with a standard deviation of 1 pixel, in integers of 256ths. */
export function softened(given) {
  if (largest(given.values) === smallest(given.values)) return given;
  return eachChannel(given, (one) => {
    const { width, height, values } = one;
    const weights = [1, 14, 62, 102, 62, 14, 1];
    const rows = new Int32Array(values.length);
    const made = new Uint8Array(values.length);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        let sum = 0;
        for (let i = 0; i < 7; i += 1) sum += weights[i] * values[y * width + BORDERS.reflect101(x + i - 3, width)];
        rows[y * width + x] = sum;
      }
    }
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        let sum = 0;
        for (let i = 0; i < 7; i += 1) sum += weights[i] * rows[BORDERS.reflect101(y + i - 3, height) * width + x];
        made[y * width + x] = (sum + 32768) >> 16;
      }
    }
    return made;
  });
}

/** cv2.GaussianBlur of float values with any standard deviation. */
export function blurred(given, sigma) {
  const half = (roundEven(8 * sigma + 1) | 1) >> 1;
  const weights = Float64Array.from({ length: 2 * half + 1 }, (_, i) => Math.exp(-((i - half) ** 2) / (2 * sigma * sigma)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return eachChannel(given, ({ width, height, values }) => {
    let now = values;
    for (const [count, lineStep, length, step] of [[height, width, width, 1], [width, 1, height, width]]) {
      const made = new Float32Array(now.length);
      const places = Int32Array.from({ length: length + 2 * half }, (_, i) => BORDERS.reflect101(i - half, length) * step);
      for (let number = 0; number < count; number += 1) {
        for (let i = 0; i < length; i += 1) {
          let sum = 0;
          for (let k = 0; k < weights.length; k += 1) sum += weights[k] * now[number * lineStep + places[i + k]];
          made[number * lineStep + i * step] = sum / total;
        }
      }
      now = made;
    }
    return now;
  });
}
