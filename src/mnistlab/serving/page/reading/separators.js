// Separators between digits: points, commas, dashes, slashes, percent signs and colons, as the finder sees them.
// As in mnistlab.reading.separators. A sign is {kind, sure, levelBox, box, beside, insteadOf}.

import { CLASSES, OTHER, SIZES } from "./finder.js";
import { linesOf } from "./layout.js";
import { covers } from "./marks.js";
import { median } from "./numbers.js";
import { boxesInPicture, largerInPicture, lookBetween, Row, windows } from "./questions.js";

const [SURE, ALONE] = [0.52, 0.55];
const STRONGEST = 1.5;
const [DOT, ON_DOTS] = [0.2, 2.5];
const AS_DARK = 0.92;
const SLASH = 0.8;
const COMMA = 2.5;
const HIGH_POINT = 0.25;
const WRITTEN = 0.3;
const WHERE = { ".": [-0.25, 0.3], ",": [-0.4, 0.35], "-": [0.15, 0.85], "/": [0.2, 0.8], "%": [0.2, 0.8], ":": [0.1, 0.8] };
const REACH = 0.08;

/** The signs between digits that were found by strokes alone, in the coordinates of their `levelBox`; `gray` is dark on light. */
export async function signsBetween(openFinder, gray, ink, marks) {
  const signs = [];
  const strokes = ink.strokes.boxes;
  const finest = strokes.length ? ink.pen * coarser(strokes, marks) : 1;
  for (const line of linesOf(marks.map(({ levelBox }) => levelBox))) {
    const row = new Row(marks, line);
    const shown = row.smallStrokes(ink, strokes);
    if (row.marks.length === 1 && shown.boxes.length === 0) continue; // a single digit and nothing else
    const small = { ...shown, pen: shown.boxes.length ? finest : 1, isApart: true };
    const asked = [...small.boxes, ...row.unusual.map((n) => row.boxes[n])];
    const parts = windows(asked, row);
    const finder = parts.length ? await openFinder() : null;
    const found = parts.flatMap((window) => lookBetween(finder, gray, ink, window, row.height));
    const read = signsOf(row, found, small);
    signs.push(...read, ...unreadable(row, found, read, small));
  }
  return signs;
}

/** The length of the smallest sign in pen widths: above 1 if the paper itself has dots. */
function coarser(strokes, marks) {
  if (marks.length === 0) return 1;
  const high = median(marks.map(({ levelBox }) => levelBox[3]));
  const dots = strokes.filter(([, , width, height]) => Math.max(width, height) < DOT * high).length;
  return dots > marks.length ? ON_DOTS : 1;
}

/** The signs among the finder's detections on the whole page, in the coordinates of the marks' `levelBox`; `ink` may be null. */
export function signsAmong(levels, ink, marks) {
  const signs = [];
  const strokes = ink && boxesInPicture(ink);
  const finest = ink ? ink.pen * coarser(strokes, marks) : 1;
  for (const line of linesOf(marks.map(({ levelBox }) => levelBox))) {
    const row = new Row(marks, line);
    const best = nearestLevel(levels, row.height);
    const small = ink && { ...row.smallStrokes(ink, strokes), pen: finest * largerInPicture(ink), isApart: false };
    const read = signsOf(row, best.found, small);
    signs.push(...read);
    if (ink && !ink.rules) signs.push(...unreadable(row, best.found, read, small));
  }
  return signs;
}

/** The level at which digits of that height have about the size that the finder knows. */
export function nearestLevel(levels, height) {
  const off = ({ scale }) => Math.abs(Math.log((scale * height) / SIZES[1]));
  return levels.reduce((best, level) => (off(level) < off(best) ? level : best));
}

/** The signs of one line among the detections there; `small` is null if the strokes are not known. */
function signsOf(row, found, small) {
  const taken = [];
  const signs = [];
  for (const mark of [...found].sort((a, b) => b.weight - a.weight)) {
    if (!(mark.kind >= 10 && mark.kind < OTHER) || taken.some((other) => areOnOneSpot(mark, other))) continue;
    const sign = signOf(row, mark, small);
    if (!sign) continue;
    taken.push(mark);
    signs.push(sign);
  }
  // A 1 may be tall because a comma is attached to it.
  const ones = row.slashes.filter((n) => !taken.some((mark) => covers(row.boxes[n], mark.x, mark.y)));
  return [...signs, ...ones.map((number) => slashOf(row, number, found)).filter(Boolean)];
}

/** The detection as a sign; null if it is not one, or if it is a slash taken for a 1, which `slashOf` judges. */
function signOf(row, mark, small) {
  let kind = CLASSES[mark.kind];
  let sure = mark.weight;
  const reach = [mark.width, mark.height].map((side) => side / 2 + REACH * row.height);
  const inside = "/%".includes(kind) ? within(row.boxes, mark, reach) : [];
  const numbers = small ? within(small.boxes, mark, reach) : [];
  const shown = numbers.map((n) => small.boxes[n]);
  if (".,-:".includes(kind) && shown.length) {
    if (Math.max(...numbers.map((n) => small.darkest[n])) < AS_DARK) return null;
    sure *= Math.min(STRONGEST, (Math.max(...shown.flatMap((box) => [box[2], box[3]])) / small.pen) ** 2);
  } else if (kind === "/" && inside.length) {
    return null;
  } else if (kind === "-" && small && (small.isApart || row.boxes.some((own) => covers(own, mark.x, mark.y)))) {
    return null; // a digit's own bar
  }
  const near = row.beside(mark.x, inside);
  if (!near || sure < (shown.length || inside.length ? SURE : ALONE)) return null;
  const above = (near.feet - mark.y) / row.height;
  if (!(WHERE[kind][0] < above && above < WHERE[kind][1])) return null;
  let box = [mark.x - mark.width / 2, mark.y - mark.height / 2, mark.width, mark.height];
  if (shown.length && ".,-:".includes(kind)) {
    const corner = [0, 1].map((axis) => Math.min(...shown.map((one) => one[axis])));
    box = [...corner, ...[0, 1].map((axis) => Math.max(...shown.map((one) => one[axis] + one[axis + 2])) - corner[axis])];
  }
  if (".,".includes(kind)) {
    const [point, comma] = [...".,"].map((one) => mark.kinds[CLASSES.indexOf(one)]);
    const odds = (comma / Math.max(point, 1e-3)) * (((box[3] / box[2]) * box[3]) / row.height / HIGH_POINT) ** 2;
    kind = odds > COMMA ? "," : ".";
  }
  return sign(kind, Math.min(mark.weight, 1), box, row.numbers[near.nearest], inside.map((n) => row.numbers[n]));
}

const sign = (kind, sure, box, beside, insteadOf = []) => ({ kind, sure, levelBox: whole(box), box: whole(box), beside, insteadOf });

/** The leaning 1 with that index as a slash, if it is one; null if it is a 1, as always at the beginning or end of a line. */
function slashOf(row, number, found) {
  const [x, y, width, height] = row.boxes[number];
  const here = found.filter((mark) => Math.max(Math.abs(mark.x - x - width / 2), Math.abs(mark.y - y - height / 2)) < 0.4 * row.height);
  const [slash, one] = [..."/1"].map((kind) => Math.max(0, ...here.map((mark) => mark.kinds[CLASSES.indexOf(kind)])));
  const near = row.beside(x + width / 2, [number]);
  const isBetween = row.boxes.some((box) => box[0] < x) && row.boxes.some((box) => box[0] > x);
  if (!near || !isBetween || slash * row.tall[number] ** 4 < SLASH * Math.max(one, 1e-3)) return null;
  return sign("/", slash / (slash + one), row.marks[number].levelBox, row.numbers[near.nearest], [row.numbers[number]]);
}

/** The small strokes that are too long to be dirt but were not read; none if there are so many that they form a pattern. */
function unreadable(row, found, read, small) {
  const signs = [];
  for (const box of small.boxes.filter(([, , width, height]) => Math.max(width, height) > WRITTEN * row.height)) {
    const [x, y] = [box[0] + box[2] / 2, box[1] + box[3] / 2];
    const isDigit = found.some(
      (mark) =>
        mark.isDigit && mark.weight > SURE && Math.abs(2 * (mark.x - x)) < mark.width && Math.abs(2 * (mark.y - y)) < mark.height,
    );
    const isKnown = isDigit || read.some(({ levelBox }) => covers(levelBox, x, y)) || row.boxes.some((own) => covers(own, x, y));
    const near = row.beside(x);
    if (!isKnown && near) signs.push(sign("?", 0, box, row.numbers[near.nearest]));
  }
  return signs.length <= row.marks.length ? signs : [];
}

/** The indices of the boxes whose centres are no further than `reach`, across and down, from a mark's centre. */
function within(boxes, mark, reach) {
  const isNear = (box) =>
    Math.abs(box[0] + box[2] / 2 - mark.x) < reach[0] && Math.abs(box[1] + box[3] / 2 - mark.y) < reach[1];
  return [...boxes.keys()].filter((n) => isNear(boxes[n]));
}

/** Whether the centre of either detection lies in the other. */
function areOnOneSpot(one, other) {
  const [across, down] = [Math.abs(one.x - other.x), Math.abs(one.y - other.y)];
  return 2 * across < Math.max(one.width, other.width) && 2 * down < Math.max(one.height, other.height);
}

/** A box in whole pixels, at least one per side. */
function whole(box) {
  const [left, top] = [Math.floor(box[0]), Math.floor(box[1])];
  return [left, top, Math.max(1, Math.ceil(box[0] + box[2]) - left), Math.max(1, Math.ceil(box[1] + box[3]) - top)];
}
