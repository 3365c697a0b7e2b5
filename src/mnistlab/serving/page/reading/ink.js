// The ink in any picture of handwriting: lighting, paper, rules and tilt removed. As in mnistlab.reading.ink.

import { dilated, softened } from "./filters.js";
import { lightest, paperColour } from "./ground.js";
import { clip, median, quantile, roundEven, smallest } from "./numbers.js";
import { INK_LEVEL, isDarkPaper, lookAt, missingLight, strengthOf, strokeWidth } from "./paper.js";
import { like, longestSide, picture, resize, resized, warped, inverse } from "./pictures.js";
import { components, distances } from "./regions.js";
import { any, FAINT, over, rulesOf, STRAIGHT, tilt, turn, withoutRules } from "./ruling.js";

export const SMALL = 28;
const OVERVIEW = 1000;
const [TALL, THIN] = [56, 2.5];
const GRAIN = 0.07;
const DARK = 48;
const WORK = 16_000_000;
export const [LOW, HIGH] = [0.3, 0.52];

/** How much ink there is at each pixel: {strength, toPicture (2, 3), isWhole, rules, ruleLevel, isOnDark}, and more below. */
export class Ink {
  constructor(strength, toPicture, more = {}) {
    Object.assign(this, { strength, toPicture, isWhole: false, rules: null, ruleLevel: 0, isOnDark: false, ...more });
    this.mask = over(strength, INK_LEVEL * LOW);
  }

  /** The connected strokes: {labels, boxes, areas}. */
  get strokes() {
    this.known ??= components(this.mask);
    return this.known;
  }

  /** The usual width of strokes in pixels. */
  get pen() {
    this.width ??= strokeWidth(this.mask);
    return this.width;
  }

  /** The width in pixels of the finest stroke or speck, measured where it is widest; 0 if there is none. */
  get finest() {
    const { labels, areas } = this.strokes;
    if (areas.length === 0) return 0;
    const depth = distances(this.mask);
    const deepest = new Float32Array(areas.length);
    labels.forEach((label, i) => {
      if (label && depth[i] > deepest[label - 1]) deepest[label - 1] = depth[i];
    });
    return 2 * smallest(deepest) - 1;
  }

  /** The ink of the component with that number, and of no other, cut out by its box. */
  ofStroke(number) {
    const { labels, boxes } = this.strokes;
    const [x, y, width, height] = boxes[number - 1];
    const made = new Uint8Array(width * height);
    for (let i = 0; i < made.length; i += 1) {
      const at = (y + Math.floor(i / width)) * this.strength.width + x + (i % width);
      if (labels[at] === number) made[i] = this.strength.values[at];
    }
    return picture(width, height, made);
  }
}

/** The ink of a picture, whether it is dark on light or light on dark. */
export function findInk(given) {
  const isOnDark = isDarkPaper(given);
  const ink = darkInk(isOnDark ? like(given, given.values.map((value) => 255 - value)) : given);
  ink.isOnDark = isOnDark;
  return ink;
}

function darkInk(given) {
  const longest = longestSide(given);
  if (longest <= SMALL) {
    const scale = Math.ceil(160 / longest);
    const large = resized(given, scale);
    const paper = lightest(large);
    return new Ink(strengthOf(lookAt(missingLight(large, paper)), large, paper), scaled(STRAIGHT, scale), { isWhole: true });
  }
  const shrink = Math.min(1, OVERVIEW / longest);
  let [whole, view] = [given, resized(given, shrink)];
  let ground = paperColour(view);
  if (smallest(ground.values) < DARK) [whole, view, ground] = [whole, view, ground].map(lifted);
  const missing = missingLight(view, ground);
  const { empty, noise, total } = missing;
  const range = Math.max(3 * noise, 0.03);
  const faint = new Uint8Array(total.length);
  for (let i = 0; i < faint.length; i += 1) faint[i] = clip((total[i] - empty) / range, 0, 4) * FAINT;
  const overview = picture(view.width, view.height, faint);
  const angle = tilt(overview);
  const { level, back } = turn(overview, angle);
  const { across, down } = rulesOf(level);
  const isRuled = any(across) || any(down);
  const printed = isRuled ? printedRules(across, down, back, view) : null;
  const look = lookAt(missing, printed);
  if (printed && isOnlyRules(look, missing, printed)) return new Ink(picture(given.width, given.height, new Uint8Array(given.width * given.height)), STRAIGHT);
  const scale = workingScale(look, shrink, given);
  const large = resized(whole, scale);
  const turned = turn(strengthOf(look, large, resize(ground, large.width, large.height, "linear")), angle);
  let strength = turned.level;
  if (look.typical && noise * Math.max(1, scale / shrink) > GRAIN * look.typical) strength = softened(strength);
  if (!isRuled) return new Ink(strength, scaled(turned.back, scale));
  const { bare, rules } = withoutRules(strength, across, down);
  const held = strength.values.filter((_, i) => rules.values[i]);
  const more = held.length ? { rules: dilated(rules, 3), ruleLevel: median(held) } : { rules };
  return new Ink(bare, scaled(turned.back, scale), more);
}

function printedRules(across, down, back, view) {
  const both = like(across, across.values.map((value, i) => value | down.values[i]));
  // Where the level page's rules are in the picture: `back` maps the level page's points to the picture's.
  return dilated(warped(both, inverse(back), view.width, view.height, true), 3);
}

/** Whether the page has hardly any ink except its rules, and none that is much darker than the rules. */
function isOnlyRules(look, missing, printed) {
  if (look.typical === 0) return true;
  const { values, channels, total } = missing;
  const ink = (i) => look.weights.reduce((sum, weight, c) => sum + weight * values[i * channels + c], 0) - look.empty;
  const ruled = [];
  let [dark, beside] = [0, 0];
  for (let i = 0; i < total.length; i += 1) {
    if (printed.values[i]) ruled.push(ink(i));
    else {
      beside += 1;
      if (ink(i) > 0.4 * look.typical) dark += 1;
    }
  }
  return dark / beside < 0.002 && look.typical < 1.3 * quantile(ruled, 0.95);
}

/** The picture with black lifted to dark grey, and white left as it is. */
const lifted = (given) => like(given, given.values.map((value) => roundEven(value * (1 - DARK / 255) + DARK)));

/** The scale at which the picture is searched for digits. */
function workingScale(look, shrink, given) {
  const longest = longestSide(given);
  if (longest <= 160) return Math.ceil(160 / longest);
  const most = Math.min(1, (WORK / (given.width * given.height)) ** 0.5);
  if (look.size === 0) return most;
  return Math.min(most, Math.max((TALL * shrink) / look.size, (THIN * shrink) / look.stroke, 160 / longest));
}

/** `matrix`, which maps to the picture scaled by `scale`, changed so that it maps to the picture itself. */
const scaled = (matrix, scale) => matrix.map(([a, b, c]) => [a / scale, b / scale, c / scale + 0.5 / scale - 0.5]);
