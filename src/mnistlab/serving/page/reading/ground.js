// The colour of paper under uneven light and shadows, as if nothing were written on it. As in mnistlab.reading.paper.

import { blurred, dilated, eroded, softened } from "./filters.js";
import { quantile, roundEven } from "./numbers.js";
import { BORDERS, framed, grey, like, longestSide, part, resize, resized } from "./pictures.js";

/** Blank paper in the picture's lightest colour. */
export function lightest(given) {
  const { channels, values } = given;
  const made = new Uint8Array(values.length);
  for (let c = 0; c < channels; c += 1) {
    const colour = Math.floor(Math.max(1, quantile(values.filter((_, i) => i % channels === c), 0.98)));
    for (let i = c; i < made.length; i += channels) made[i] = colour;
  }
  return like(given, made);
}

/** The colour that each pixel would have without ink. */
export function paperColour(given) {
  const small = resized(given, Math.min(1, 640 / longestSide(given)));
  const gray = grey(small);
  const side = (Math.floor(1.5 * fillingSide(gray)) + 2) | 1;
  let ground = closed(small, side);
  if (small.channels === 3) ground = withoutLightInk(small, gray, ground, side);
  ground = softened(ground);
  ground = like(ground, ground.values.map((value) => Math.max(1, value)));
  return resize(ground, given.width, given.height, "linear");
}

/** Replaces ink by its surroundings where, because it is lighter than paper in one of the colours, it is left in `ground`. */
function withoutLightInk(small, gray, ground, side) {
  const around = closed(gray, side);
  const dark = gray.values.map((value, i) => (around.values[i] - value > Math.fround(0.1) * around.values[i] ? 1 : 0));
  if (!dark.includes(1)) return ground;
  const ink = dilated(like(gray, dark), 5).values;
  const weight = blurred(like(gray, Float32Array.from(ink, (one) => 1 - one)), side / 2).values;
  const bare = Float32Array.from(ground.values, (value, i) => value * (1 - ink[Math.floor(i / 3)]));
  const near = blurred(like(ground, bare), side / 2).values;
  return like(
    ground,
    ground.values.map((value, i) => {
      const at = Math.floor(i / 3);
      return ink[at] && weight[at] > 0.05 ? Math.floor(near[i] / Math.max(weight[at], 0.05)) : value;
    }),
  );
}

/** Fills dark areas narrower than `side` pixels with their surroundings. */
export function closed(given, side) {
  const dark = darkBox(given);
  if (!dark) return given;
  const [left, top] = [Math.max(0, dark.left - side), Math.max(0, dark.top - side)];
  const wide = Math.min(given.width, dark.right + side + 1) - left;
  const high = Math.min(given.height, dark.bottom + side + 1) - top;
  const frame = framed(part(given, left, top, wide, high), side, side, side, side, BORDERS.replicate);
  const filled = part(eroded(dilated(frame, side), side), side, side, wide, high);
  const values = new Uint8Array(given.values.length).fill(255);
  for (let row = 0; row < high; row += 1)
    values.set(filled.values.subarray(row * wide * given.channels, (row + 1) * wide * given.channels), ((top + row) * given.width + left) * given.channels);
  return like(given, values);
}

/** The part of a picture that is not white (white stays white): {left, top, right, bottom}; null if all of it is white. */
function darkBox({ width, channels, values }) {
  const box = { left: width, top: Infinity, right: -1, bottom: -1 };
  for (let at = 0; at < values.length; at += 1) {
    if (values[at] === 255) continue;
    const place = Math.floor(at / channels);
    const row = Math.floor(place / width);
    const column = place - row * width;
    box.top = Math.min(box.top, row);
    box.bottom = row;
    box.left = Math.min(box.left, column);
    box.right = Math.max(box.right, column);
  }
  return box.right < 0 ? null : box;
}

/** The side, in pixels, of the smallest square that fits into no stroke: larger squares hardly fill in more ink. */
function fillingSide(gray) {
  const shrink = Math.min(1, 320 / longestSide(gray));
  const small = resized(gray, shrink);
  const sides = [3, 5, 7, 11, 15, 21, 31, 43, 61, 85, 121].filter((k) => k < longestSide(small));
  const known = new Map();
  const filled = (k) => {
    if (!known.has(k)) {
      const whole = closed(small, k).values;
      let sum = 0;
      for (let i = 0; i < whole.length; i += 1) if (whole[i] - small.values[i] > 20) sum += whole[i] - small.values[i];
      known.set(k, sum);
    }
    return known.get(k);
  };
  const found = sides.find(
    (k) => filled(k) > 0 && sides.every((other) => !(k < other && other <= 2.2 * k) || filled(k) >= 0.85 * filled(other)),
  );
  return Math.floor(Math.max(1, roundEven((found ?? sides.at(-1) ?? 3) / shrink)));
}
