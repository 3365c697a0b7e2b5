// The noise of paper, and what the ink on it is like. As in mnistlab.reading.paper; for the colour of paper, see ground.js.

import { dilated, medianBlurred } from "./filters.js";
import { argsort, clip, mean, median, quantile, quantiles, roundEven } from "./numbers.js";
import { BORDERS, framed, grey, like, longestSide, part, picture, resized } from "./pictures.js";
import { components, distances } from "./regions.js";

export const INK_LEVEL = 220;
const LEVELS = 200;
const FAINTEST = 0.11;
const DUST = 6;

/** Whether the ink is lighter than the paper. */
export function isDarkPaper(given) {
  let gray = grey(given);
  gray = resized(gray, Math.min(1, 256 / longestSide(gray)));
  if (longestSide(gray) > 64) {
    const k = Math.max(3, Math.floor(Math.min(gray.width, gray.height) / 4) | 1);
    const reach = k >> 1;
    const frame = framed(gray, reach, reach, reach, reach, BORDERS.reflect);
    const around = part(medianBlurred(frame, k), reach, reach, gray.width, gray.height);
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

/** The threshold that best divides values into two groups (Otsu 1979), as in OpenCV. */
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

/** The share of the paper's light that is missing: {values (Float32Array), mean (of the channels), empty, noise}. */
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

/** The quantiles 0.05 and 0.25. On clean paper, over a quarter of the values equal the smallest, so nothing has to be sorted. */
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

/** What the ink is like, {weights, empty, typical, size, stroke}, leaving out the pixels that are not 0 in `hidden`. */
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
      sum = Math.fround(factors[c] * quotient + sum); // the sum is rounded once, after adding, as processors do
    }
    made[i] = clip(roundEven(sum), 0, 255);
  }
  return picture(width, height, made);
}

/** The usual size of the pieces of ink, in pixels; larger ones count for more. */
export function typicalSize(longest, areas) {
  const large = [...longest.keys()].filter((i) => longest[i] >= DUST);
  const kept = large.length ? large : [...longest.keys()];
  const order = argsort(kept.map((i) => longest[i])).map((i) => kept[i]);
  const shares = [];
  let sum = 0;
  for (const i of order) shares.push((sum += areas[i] ** 1.5));
  return longest[order[shares.findIndex((share) => share >= sum / 2)]];
}

/** The smallest part of a mask that holds all pixels that are set. */
function trimmed(mask) {
  const { width, height, values } = mask;
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!values[y * width + x]) continue;
      if (x < left) left = x;
      if (x > right) right = x;
      if (y < top) top = y;
      bottom = y;
    }
  }
  return right < 0 ? mask : part(mask, left, top, right + 1 - left, bottom + 1 - top);
}

/** The usual width of a mask's strokes in pixels: twice the distance from their middle to their edge. */
export function strokeWidth(mask) {
  const frame = framed(trimmed(mask), 1, 1, 1, 1, 0);
  const depth = distances(frame);
  const most = dilated(like(frame, depth), 3).values;
  const ridge = [];
  for (let i = 0; i < depth.length; i += 1)
    if (depth[i] > 0 && depth[i] >= Math.fround(most[i] - Math.fround(1e-3))) ridge.push(depth[i]);
  return ridge.length ? Math.max(1, 2 * median(ridge) - 0.6) : 1;
}

