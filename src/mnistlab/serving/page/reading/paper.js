// Paper: its colour under uneven light and shadows, its noise, and what the ink on it is like. As mnistlab.reading.paper.

import { blurred, dilated, eroded, medianBlurred, softened } from "./filters.js";
import { argsort, clip, mean, median, quantile, quantiles, roundEven } from "./numbers.js";
import { BORDERS, framed, grey, like, longestSide, part, picture, resize, resized } from "./pictures.js";
import { components, distances } from "./regions.js";

export const INK_LEVEL = 220;
const LEVELS = 200;
const FAINTEST = 0.11;
const DUST = 6;

/** Whether the ink is the lighter of the two. */
export function isDarkPaper(given) {
  let gray = grey(given);
  gray = resized(gray, Math.min(1, 256 / longestSide(gray)));
  if (longestSide(gray) > 64) {
    const k = Math.max(3, Math.floor(Math.min(gray.width, gray.height) / 4) | 1);
    const around = part(medianBlurred(framed(gray, k, k, k, k, BORDERS.reflect), k), k, k, gray.width, gray.height);
    let [dark, light] = [0, 0];
    for (let i = 0; i < gray.values.length; i += 1) {
      const apart = gray.values[i] - around.values[i];
      if (apart < 0) dark += apart * apart;
      else light += apart * apart;
    }
    if (Math.max(dark, light) > 2 * Math.min(dark, light)) return light > dark;
  }
  return isDarkByShare(gray);
}

function isDarkByShare({ width, height, values }) {
  const limit = otsu(values);
  const border = [];
  values.forEach((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const isLight = value > limit ? 1 : 0;
    for (const edge of [y === 0, y === height - 1, x === 0, x === width - 1]) if (edge) border.push(isLight);
  });
  const share = values.reduce((sum, value) => sum + (value > limit), 0) / values.length;
  return 0.5 - share + 0.5 * (0.5 - mean(border)) > 0;
}

/** The threshold that parts values best into two (Otsu 1979), as OpenCV finds it. */
function otsu(values) {
  const counts = new Float64Array(256);
  for (const value of values) counts[value] += 1 / values.length;
  const middle = counts.reduce((sum, share, value) => sum + value * share, 0);
  let [share, below, best, found] = [0, 0, 0, 0];
  for (let value = 0; value < 256; value += 1) {
    const before = share * below;
    share += counts[value];
    const rest = 1 - share;
    if (Math.min(share, rest) < 1.1920929e-7 || Math.max(share, rest) > 1 - 1.1920929e-7) {
      below = share > 0 ? (before + value * counts[value]) / share : 0;
      continue;
    }
    below = (before + value * counts[value]) / share;
    const above = (middle - share * below) / rest;
    const between = share * rest * (below - above) ** 2;
    if (between > best) [best, found] = [between, value];
  }
  return found;
}

/** The share of the paper's light that is missing {values (Float32Array), mean (of the channels), empty, noise}. */
export function missingLight(given, paper) {
  const values = new Float32Array(given.values.length);
  const least = Math.fround(1 - 255 / LEVELS);
  for (let i = 0; i < values.length; i += 1)
    values[i] = Math.max(least, Math.fround(1 - Math.fround(given.values[i] / Math.max(paper.values[i], 1))));
  const total = channelMeans(values, given.channels);
  const [brightest, brighter] = brightestOf(total);
  const noise = (brighter - brightest) / 0.97;
  return { values, total, channels: given.channels, width: given.width, height: given.height, empty: brighter + 0.67 * noise, noise };
}

/** The quantiles 0.05 and 0.25; on clean paper more values than that are one, the smallest, and nothing need be sorted. */
function brightestOf(total) {
  let [least, count] = [Infinity, 0];
  for (let i = 0; i < total.length; i += 1) {
    if (total[i] < least) [least, count] = [total[i], 0];
    if (total[i] === least) count += 1;
  }
  return count > 0.25 * total.length + 1 ? [least, least] : quantiles(total, [0.05, 0.25]);
}

function channelMeans(values, channels) {
  if (channels === 1) return values;
  const made = new Float32Array(values.length / channels);
  for (let i = 0; i < made.length; i += 1) {
    let sum = 0;
    for (let c = 0; c < channels; c += 1) sum = Math.fround(sum + values[i * channels + c]);
    made[i] = sum / channels;
  }
  return made;
}

/** What the ink is like, {weights, empty, typical, size, stroke}, but for the pixels that are not 0 in `hidden`. */
export function lookAt(missing, hidden = null) {
  const { values, total, channels, width, height, empty, noise } = missing;
  const limit = empty + Math.max(5 * noise, 0.06);
  const inked = [];
  for (let i = 0; i < total.length; i += 1) if (total[i] > limit && !hidden?.values[i]) inked.push(i);
  if (inked.length === 0) return { weights: Array(channels).fill(1 / channels), empty, typical: 0, size: 0, stroke: 0 };
  const darkest = quantile(inked.map((i) => total[i]), 0.7);
  const dark = inked.filter((i) => total[i] >= darkest);
  const each = Array.from({ length: channels }, (_, c) => c);
  const colour = each.map((c) => mean(dark.map((i) => values[i * channels + c])) - empty);
  const whole = Math.max(colour.reduce((sum, one) => sum + Math.abs(one), 0), 1e-6);
  const weights = colour.map((one) => one / whole);
  const weighed = (i) => {
    let sum = 0;
    for (let c = 0; c < channels; c += 1) sum += weights[c] * values[i * channels + c];
    return sum;
  };
  const typical = Math.max(quantile(inked.map(weighed), 0.9) - empty, 0.01);
  if (typical < Math.max(FAINTEST, 8 * noise)) return { weights, empty, typical: 0, size: 0, stroke: 0 };
  const strong = new Uint8Array(total.length);
  for (let i = 0; i < strong.length; i += 1) strong[i] = weighed(i) - empty > 0.4 * typical && !hidden?.values[i] ? 1 : 0;
  const mask = picture(width, height, strong);
  const { boxes, areas } = components(mask);
  if (boxes.length === 0) return { weights, empty, typical, size: 0, stroke: 0 };
  const longest = boxes.map(([, , wide, high]) => Math.max(wide, high));
  return { weights, empty, typical, size: typicalSize(longest, areas), stroke: strokeWidth(mask) };
}

/** How much ink there is at each pixel of a picture on its paper. */
export function strengthOf({ weights, empty, typical }, given, paper) {
  const { width, height, channels, values } = given;
  const made = new Uint8Array(width * height);
  if (typical === 0) return picture(width, height, made);
  const gain = INK_LEVEL / typical / LEVELS;
  const factors = weights.map((weight) => Math.fround(-weight * gain));
  const added = Math.fround(LEVELS * gain * (weights.reduce((sum, weight) => sum + weight, 0) - empty));
  for (let i = 0; i < made.length; i += 1) {
    let sum = added;
    for (let c = 0; c < channels; c += 1) {
      const at = i * channels + c;
      const quotient = paper.values[at] ? clip(roundEven(Math.fround((values[at] * LEVELS) / paper.values[at])), 0, 255) : 0;
      sum = Math.fround(factors[c] * quotient + sum); // added before it is rounded, as processors do
    }
    made[i] = clip(roundEven(sum), 0, 255);
  }
  return picture(width, height, made);
}

/** The size in pixels that most of the ink has; larger pieces count for more. */
export function typicalSize(longest, areas) {
  const large = [...longest.keys()].filter((i) => longest[i] >= DUST);
  const kept = large.length ? large : [...longest.keys()];
  const order = argsort(kept.map((i) => longest[i])).map((i) => kept[i]);
  const shares = [];
  let sum = 0;
  for (const i of order) shares.push((sum += areas[i] ** 1.5));
  return longest[order[shares.findIndex((share) => share >= sum / 2)]];
}

/** Paper of the lightest colour that the picture has. */
export function lightest(given) {
  const { channels, values } = given;
  const made = new Uint8Array(values.length);
  for (let c = 0; c < channels; c += 1) {
    const colour = Math.floor(Math.max(1, quantile(values.filter((_, i) => i % channels === c), 0.98)));
    for (let i = c; i < made.length; i += channels) made[i] = colour;
  }
  return like(given, made);
}

/** What each pixel would be without ink. */
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

/** Ink may be the lighter one in a colour, and is then still in the ground: there it is what is around. */
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

/** What is dark and narrower than `side` pixels filled with what surrounds it. */
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

/** Where a picture is not white, which stays so: {left, top, right, bottom}; null where it is all white. */
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

/** The smallest side of a square that fits into no stroke: from there on, larger ones fill hardly more ink in. */
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

/** The usual width of a mask's strokes in pixels: twice the distance from their middle to their edge. */
export function strokeWidth(mask) {
  const frame = framed(mask, 1, 1, 1, 1, 0);
  const depth = distances(frame);
  const most = dilated(like(frame, depth), 3).values;
  const ridge = depth.filter((value, i) => value > 0 && value >= Math.fround(most[i] - Math.fround(1e-3)));
  return ridge.length ? Math.max(1, 2 * median(ridge) - 0.6) : 1;
}

