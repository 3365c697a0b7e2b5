// Which way up a page is, and where its writing is lighter than its background. As in mnistlab.reading.upright.

import { medianBlurred } from "./filters.js";
import { ALWAYS, FRAME, levels, look, MOST_PIXELS, Sizes, SIZES } from "./finder.js";
import { clip, largest, median, quantile, roundEven } from "./numbers.js";
import { find } from "./overlaps.js";
import { like, longestSide, part, resized, turnedBy } from "./pictures.js";
import { components } from "./regions.js";
import { spots } from "./spots.js";
import { grown } from "./windows.js";

const PARTS = [128, 160, 224, 320];
const ENOUGH = 20;
const SIZES_TRIED = 3;
const [CLEARLY, MORE] = [1.2, 1.2];
const MANY = 10;
const READ = 0.55;
const DARK_SHARE = 0.04;
const EDGE = 2;

/** What the network detects at each size, and in the boxes `dark` also light writing; with `boxes`, it looks only there. */
export function lookEverywhere(finder, gray, { lowest, dark, boxes = null, inked = null }) {
  const sizes = new Sizes(gray);
  const most = lowest === 0 ? MOST_PIXELS : (SIZES[1] / lowest) ** 2 * gray.width * gray.height;
  const looked = levels(finder, sizes, { most: Math.min(MOST_PIXELS, most), boxes, inked });
  if (dark.length) looked.push(...levels(finder, sizes, { isLight: true, most: ALWAYS, first: looked.length, boxes: dark }));
  return looked;
}

/** The parts with a dark background, unless they are small; dark pixels in the boxes `written` count as strokes. */
export function darkParts(gray, written) {
  const scale = Math.min(1, 160 / longestSide(gray));
  const small = resized(gray, scale);
  const ground = Math.min(small.width, small.height) > 9 ? medianBlurred(small, 9) : small;
  const limit = 0.5 * quantile(ground.values, 0.9);
  const dark = ground.values.map((value) => (value < limit ? 1 : 0));
  for (const [x, y, width, height] of written) {
    const [left, top] = [Math.trunc(x * scale), Math.trunc(y * scale)];
    const right = Math.min(small.width, roundEven((x + width) * scale) + 1);
    const bottom = Math.min(small.height, roundEven((y + height) * scale) + 1);
    for (let row = top; row < bottom; row += 1) dark.fill(0, row * small.width + left, row * small.width + Math.max(left, right));
  }
  if (dark.reduce((sum, one) => sum + one, 0) / dark.length <= DARK_SHARE) return [];
  const { boxes } = components(like(small, dark));
  return grown(boxes, EDGE).map((box) => box.map((side) => side / scale));
}

/**
 * By how many quarter turns, counterclockwise, the page, or its `box`, must be rotated to be read: 0 to 3. Views on its sides
 * come last. If the `strokes`, those of the page as it is, are many digits that the network detected too, the page is upright.
 */
export function turns(finder, classifier, gray, looked, threshold, { strokes, box }) {
  const seenWell = looked.filter((level) => level.seen.values.length <= 2 * ALWAYS && hints(level) && !level.isLight);
  if (seenWell.length === 0) return 0;
  const detected = strokes.length >= MANY ? find(seenWell) : [];
  const confirmed = strokes.filter((stroke) => stroke.sure >= threshold && isDetected(stroke, detected)).length;
  if (confirmed >= MANY && CLEARLY * confirmed + MORE > Math.max(strokes.length, detected.length)) return 0;
  const chosen = [...seenWell].sort((a, b) => hints(a) - hints(b)).slice(-SIZES_TRIED);
  const seen = box ? aroundBox(gray, box, chosen.at(-1)) : partOf(gray, chosen.at(-1));
  const smaller = chosen.map(({ scale }) => ({ small: resized(seen, scale), scale }));
  const read = [0, 0, 0, 0];
  let mayLie = true;
  for (const n of [0, 2, 1, 3]) {
    const views = smaller.map(({ small, scale }, number) => look(finder, turnedBy(small, n), scale, number));
    const marks = find(views);
    read[n] = readable(classifier, marks, views);
    if (n === 0 && CLEARLY * read[0] + MORE > marks.length) return 0; // nearly all can be read as it is
    mayLie &&= read[n] <= READ * marks.length + MORE;
    if (n === 2 && !mayLie) break;
  }
  const best = read.indexOf(largest(read));
  return read[best] > CLEARLY * read[0] + MORE ? best : 0;
}

/** Whether one of the detections is the same digit as the stroke, in the same place. */
const isDetected = ({ box: [x, y, width, height], label }, detected) =>
  detected.some((one) => x <= one.x && one.x < x + width && y <= one.y && one.y < y + height && one.kind === label);

/** The part of a page around the middle of the detections at one size. */
function partOf(gray, { scale, found }) {
  const [middleX, middleY] = [median(found.map(({ x }) => x)), median(found.map(({ y }) => y))];
  let cut = null;
  for (const size of PARTS) {
    const side = Math.trunc(size / scale) + 1;
    const left = Math.trunc(clip(middleX - side / 2, 0, Math.max(0, gray.width - side)));
    const top = Math.trunc(clip(middleY - side / 2, 0, Math.max(0, gray.height - side)));
    cut = part(gray, left, top, Math.min(side, gray.width - left), Math.min(side, gray.height - top));
    const inside = found.filter(({ x, y }) => x >= left && x < left + side && y >= top && y < top + side);
    if (inside.reduce((sum, { weight }) => sum + weight, 0) >= ENOUGH) break;
  }
  return cut;
}

/** A box of the page with a margin as wide as the network's frame at the scale of the level. */
function aroundBox(gray, [x, y, width, height], { scale }) {
  const more = roundEven(FRAME / scale);
  const [left, top] = [Math.max(0, x - more), Math.max(0, y - more)];
  const [right, bottom] = [Math.min(gray.width, x + width + more), Math.min(gray.height, y + height + more)];
  return part(gray, left, top, right - left, bottom - top);
}

/** How much was detected at one size: the total weight. */
const hints = ({ found }) => found.reduce((sum, { weight }) => sum + weight, 0);

/** About how many digits among the detections at these sizes can be read. */
const readable = (classifier, marks, looked) =>
  spots(classifier, marks, looked)
    .filter(({ found }) => found.isDigit)
    .reduce((sum, { sure, found }) => sum + Math.max(0, 2 * sure - 1) * Math.min(1, found.weight), 0);
