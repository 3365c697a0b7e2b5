// Levels a page, and removes the lines that are printed on it. As in mnistlab.reading.ruling.

import { blurredAlong, boxSums, dilated, eroded } from "./filters.js";
import { median } from "./numbers.js";
import { INK_LEVEL, strokeWidth } from "./paper.js";
import { BORDERS, inverse, like, longestSide, picture, resized, transposed, warped } from "./pictures.js";
import { components } from "./regions.js";

export const FAINT = 50;
const FAINTER = 30;
export const STRAIGHT = [[1, 0, 0], [0, 1, 0]];

const mask = (given, test) => {
  const made = new Uint8Array(given.values.length);
  for (let i = 0; i < made.length; i += 1) made[i] = test(given.values[i], i) ? 1 : 0;
  return like(given, made);
};

/** 1 where a value is above a limit. */
export function over(given, limit) {
  const made = new Uint8Array(given.values.length);
  for (let i = 0; i < made.length; i += 1) made[i] = given.values[i] > limit ? 1 : 0;
  return like(given, made);
}

export function any({ values }) {
  for (let i = 0; i < values.length; i += 1) if (values[i]) return true;
  return false;
}

/** By how many degrees the page is rotated, judged by the rules or lines of digits on it; 0 if that is unclear. */
export function tilt(faint) {
  const small = resized(faint, Math.min(1, 700 / longestSide(faint)));
  if (!showsTilt(over(small, FAINT))) return 0;
  const { width, height, values } = small;
  const dark = [...values.keys()].filter((i) => values[i] > FAINT);
  const points = dark.map((i) => [(i % width) - width / 2, Math.floor(i / width) - height / 2, values[i]]);
  const sharpness = (degrees) => {
    const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    const rows = new Float64Array(2 * (height + width) + 2);
    let last = 0;
    for (const [x, y, weight] of points) {
      const row = Math.trunc(y * cos - x * sin + height + width);
      rows[row] += weight;
      if (row > last) last = row;
    }
    let sum = 0;
    for (let i = 1; i <= last; i += 1) sum += (rows[i] - rows[i - 1]) ** 2;
    return sum;
  };
  const best = (angles) => {
    const scores = angles.map(sharpness);
    return { scores, angle: angles[scores.indexOf(Math.max(...scores))] };
  };
  const coarse = best(Array.from({ length: 57 }, (_, i) => -14 + 0.5 * i));
  if (Math.max(...coarse.scores) < 1.3 * median(coarse.scores) || Math.abs(coarse.angle) > 13) return 0;
  const fine = best(Array.from({ length: 11 }, (_, i) => coarse.angle - 0.5 + 0.1 * i));
  return Math.abs(fine.angle) >= 0.3 ? fine.angle : 0;
}

/** Whether there are rules, or enough writing: a number or two may slope although the page does not. */
function showsTilt(dark) {
  const { labels, boxes } = components(dark);
  const sizes = boxes.map(([, , wide, high]) => Math.max(wide, high));
  const isLine = (size, n) =>
    size >= 0.5 * longestSide(dark) && size >= 60 * strokeWidth(mask(dark, (_, i) => labels[i] === n + 1));
  return sizes.some(isLine) || sizes.filter((size) => size >= 5).length >= 12;
}

/** The rotated picture, with nothing cut off: {level, back}; `back` (2, 3) maps its points to the original's. */
export function turn(given, degrees) {
  if (degrees === 0) return { level: given, back: STRAIGHT };
  const { width, height } = given;
  const angle = (degrees * Math.PI) / 180;
  const [a, b] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [width / 2, height / 2];
  const matrix = [[a, b, (1 - a) * x - b * y], [-b, a, b * x + (1 - a) * y]];
  const wide = Math.trunc(width * Math.abs(a) + height * Math.abs(b)) + 1;
  const high = Math.trunc(width * Math.abs(b) + height * Math.abs(a)) + 1;
  matrix[0][2] += (wide - width) / 2;
  matrix[1][2] += (high - height) / 2;
  const back = inverse(matrix);
  return { level: warped(given, back, wide, high), back };
}

/** Where the horizontal and vertical rules of a level page are, 0 or 1. */
export const rulesOf = (faint) => ({ across: levelRules(faint), down: transposed(levelRules(transposed(faint))) });

function levelRules(faint) {
  const { width, height } = faint;
  const nothing = picture(width, height, new Uint8Array(width * height));
  const length = Math.max(40, Math.floor(width / 10));
  const most = Math.max(3, Math.floor(longestSide(faint) / 200));
  if (length > width) return nothing;
  const along = blurredAlong(faint, Math.max(3, Math.floor(length / 20)));
  const dark = over(along, FAINTER);
  const core = inverted(grown(inverted(dilated(dark, 1, 3)), length));
  if (!any(core)) return nothing; // no line is that long
  const { labels, boxes, areas } = components(grown(core, length));
  const lines = boxes.map(([, , span], i) => ({ span, thick: Math.max(areas[i] / Math.max(span, 1) - 2, 1), inked: 0, thin: 0 }));
  const fine = thin(along, most);
  labels.forEach((label, i) => {
    if (!label) return;
    lines[label - 1].inked += dark.values[i];
    lines[label - 1].thin += fine[i];
  });
  const rules = lines.map(({ span, thick, inked, thin: narrow }) => span >= 25 * thick && thick <= most && narrow >= 0.4 * Math.max(inked, 1));
  const spans = lines.filter((_, i) => rules[i]).map(({ span }) => span);
  const isRuled = spans.some((span) => span >= 0.8 * width) || spans.filter((span) => span >= 0.25 * longestSide(faint)).length >= 6;
  if (!isRuled) return nothing;
  return filledAlong(mask(faint, (_, i) => labels[i] > 0 && rules[labels[i] - 1]), length);
}

/** Where a pixel is darker than what is above and below it. */
function thin(along, most) {
  const side = 2 * most + 3;
  const opened = dilated(eroded(along, 1, side), 1, side).values;
  return along.values.map((value, i) => (value - opened[i] > FAINTER ? 1 : 0));
}

function inverted(given) {
  const made = new Uint8Array(given.values.length);
  for (let i = 0; i < made.length; i += 1) made[i] = given.values[i] ? 0 : 1;
  return like(given, made);
}
/** Where the mask, made a pixel thicker, has horizontal stretches of at least `length` pixels. */
const darkAlong = (dark, length) => grown(inverted(grown(inverted(dilated(dark, 1, 3)), length)), length);
const grown = (given, length) => dilated(given, length | 1, 1);
/** The mask with horizontal gaps of up to `length` pixels filled. */
const filledAlong = (given, length) => inverted(grown(inverted(grown(given, length)), length));

/** The strength of ink without the rules that `rulesOf` found in a smaller copy; and where the rules were. */
export function withoutRules(strength, across, down) {
  const level = withoutLevel(strength, across);
  const upright = withoutLevel(transposed(level.bare), transposed(down));
  const second = transposed(upright.rules).values;
  return { bare: transposed(upright.bare), rules: mask(level.rules, (value, i) => value || second[i]) };
}

function withoutLevel(strength, about) {
  const { width, height } = strength;
  if (!any(about)) return { bare: strength, rules: like(strength, new Uint8Array(strength.values.length)) };
  const length = Math.max(40, Math.floor(width / 10));
  const slack = 2 * Math.ceil(height / about.height) + 1;
  const near = dilated(nearest(about, width, height), 1, slack).values;
  const along = blurredAlong(strength, Math.max(3, Math.floor(length / 20)));
  const isDark = mask(along, (value) => value > INK_LEVEL * 0.12);
  const held = darkAlong(isDark, Math.floor(length / 2));
  const found = mask(held, (value, i) => value && near[i]);
  const filled = filledAlong(found, length).values;
  const rules = dilated(mask(held, (_, i) => filled[i] && near[i]), 1, 3);
  if (!any(rules)) return { bare: strength, rules };
  const alone = mask(found, (value, i) => value && isDark.values[i] && strength.values[i] < 0.8 * INK_LEVEL);
  const [wide, high] = [Math.floor(width / 3) | 1, 3];
  const weight = boxSums(alone, wide, high, BORDERS.reflect101);
  const inkOf = like(strength, Float32Array.from(alone.values, (value, i) => value * strength.values[i]));
  const dark = boxSums(inkOf, wide, high, BORDERS.reflect101);
  const side = 2 * (Math.floor(usualThickness(found) / 2) + 1) + 1;
  const opened = dilated(eroded(strength, 1, side), 1, side).values;
  const bare = strength.values.map((value, i) => {
    if (!rules.values[i]) return value;
    return Math.max(opened[i], value > (1.8 * dark[i]) / Math.max(weight[i], 1) + 20 ? value : 0);
  });
  return { bare: like(strength, bare), rules };
}

function nearest(given, width, height) {
  const made = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const row = Math.min(given.height - 1, Math.floor((y * given.height) / height)) * given.width;
    for (let x = 0; x < width; x += 1) made[y * width + x] = given.values[row + Math.min(given.width - 1, Math.floor((x * given.width) / width))];
  }
  return picture(width, height, made);
}

/** The usual thickness of the rules: ink divided by the number of upper edges. */
function usualThickness({ width, values }) {
  let [edges, inked] = [0, 0];
  for (let i = 0; i < values.length; i += 1) {
    if (values[i]) inked += 1;
    if (i >= width && values[i] > values[i - width]) edges += 1;
  }
  return Math.ceil(inked / Math.max(1, edges));
}

