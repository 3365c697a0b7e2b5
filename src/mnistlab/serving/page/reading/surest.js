// Combines the digits found by strokes alone with those of the finder: at each place, the more confident of the two decides. Also
// reports the ink of digits that were not read. As in mnistlab.reading.surest and unread.

import { classifyAll, look } from "./assembly.js";
import { toMnistForm } from "./form.js";
import { changed, doMeet, isMiddleIn, mark, overlap, places, SAME, sureness } from "./marks.js";
import { largest, median, roundEven } from "./numbers.js";
import { areSupported } from "./overlaps.js";
import { like, part, picture } from "./pictures.js";
import { boxInPicture, piece } from "./pieces.js";
import { components } from "./regions.js";
import { nearestLevel } from "./separators.js";
import { agreed, lessened } from "./spots.js";
import { assembled, marked, sizeOf, unremarkable } from "./strokes.js";

const AS_HIGH = 1.5;
const TOO_HIGH = 1.45;

/** The digits from the finder, `found`, and from strokes: at each place, those of the more confident of the two. */
export function surest(found, looked, strokes, classifier, { ink, pieces, given, threshold }) {
  const usual = median(found.map(({ box }) => box[3]));
  const detected = looked.flatMap(({ found: marks }) => marks.filter(({ isDigit }) => isDigit));
  const kept = missedBy(found, usual, strokes, { ink, pieces, given, threshold });
  for (const [theirs, ours] of places(strokesWhere(found, classifier, ink, pieces, given), found)) {
    if (ours.length === 0) continue; // the strokes are usually part of a line or a pattern
    if (ours.some(({ isLight }) => isLight) || theirs.length < ours.length) {
      kept.push(...ours); // the strokes are the background of light writing, or several digits each
      continue;
    }
    if (theirs.length === 1 && ours.length === 1 && overlap(theirs[0].box, ours[0].box) > SAME) {
      const probabilities = agreed(theirs[0].probabilities, ours[0].probabilities);
      const isClean = theirs[0].label === probabilities.indexOf(largest(probabilities));
      kept.push(changed(isClean ? theirs[0] : ours[0], { probabilities }));
      continue;
    }
    const isCertain = theirs.every(({ sure }) => sure >= threshold);
    const high = Math.max(usual, ...ours.map(({ box }) => box[3]));
    const boxes = theirs.map(({ box }) => box);
    const isSeen = boxes.every((box) => box[3] <= TOO_HIGH * high) && areSupported(boxes, detected);
    kept.push(...(isSeen && (isCertain || sureness(theirs) >= sureness(ours)) ? theirs : ours));
  }
  return kept;
}

/** The strokes that are plainly digits but missed by the finder; only whole pieces, because half a frame may look like a 1. */
function missedBy(found, usual, strokes, { ink, pieces, given, threshold }) {
  const whole = new Set(pieces.map((one) => boxInPicture(one, ink, sizeOf(given)).join()));
  return unremarkable(strokes, given, threshold)
    .filter(({ box }) => whole.has(box.join()) && usual / AS_HIGH < box[3] && box[3] < usual * AS_HIGH)
    .filter(({ box }) => !found.some((ours) => doMeet(box, ours.box)))
    .map((one) => changed(one, { levelBox: one.box }));
}

/** The strokes where the finder found something; a stroke around several detections, such as a frame, only if surer. */
function strokesWhere(found, classifier, ink, pieces, given) {
  const [one, several] = [[], []];
  for (const own of pieces) {
    const box = boxInPicture(own, ink, sizeOf(given));
    const holds = found.filter((ours) => isMiddleIn(ours.box, box));
    if (holds.length > 1) several.push({ own, other: Math.max(...holds.map(({ sure }) => sure)) });
    else if (holds.length || found.some((ours) => isMiddleIn(box, ours.box))) one.push(own);
  }
  const strokes = assembled(classifier, ink, one, given);
  const units = look(classifier, several.map(({ own }) => own)).filter((unit, n) => unit.sure > several[n].other);
  // Strokes were found on the levelled page, detections in the picture itself; to form lines, all need the same coordinates.
  return [...strokes, ...units.map((unit) => marked(unit, ink, given))].map((stroke) => changed(stroke, { levelBox: stroke.box }));
}

const INK = 0.3;
const [LOW, HIGH] = [0.6, 1.6];
const AROUND = 0.1;
const DOUBT = 0.5;

/** Marks for ink of a digit's height that the finder saw but that was not read: from strokes or, if none, not accepted. */
export function unread(classifier, looked, marks, strokes, threshold) {
  const dark = looked.filter(({ isLight }) => !isLight);
  if (dark.length === 0 || marks.every(({ isLight }) => isLight)) return []; // dark ink is the background
  const usual = median(marks.map(({ levelBox }) => levelBox[3]));
  const level = nearestLevel(dark, usual);
  const found = leftOver(level, marks, usual);
  const images = found.map(toMnistForm);
  return classifyAll(classifier, images).flatMap((probabilities, n) => {
    const box = boxAt(found[n], level.scale);
    const sure = strokes.filter((stroke) => stroke.sure >= threshold && overlap(stroke.box, box) > SAME);
    if (sure.length) return sure.map((stroke) => changed(stroke, { levelBox: stroke.box }));
    return [mark(images[n], lessened(probabilities, DOUBT * threshold), box, box)];
  });
}

function leftOver({ scale, ink }, marks, usual) {
  const mask = Uint8Array.from(ink.values, (value) => (value > INK ? 1 : 0));
  for (const { levelBox: [x, y, width, height] } of marks) {
    const top = Math.max(0, Math.trunc((y - AROUND * height) * scale));
    const left = Math.max(0, Math.trunc((x - AROUND * width) * scale));
    const bottom = Math.min(ink.height, Math.trunc((y + (1 + AROUND) * height) * scale) + 1);
    const right = Math.min(ink.width, Math.trunc((x + (1 + AROUND) * width) * scale) + 1);
    for (let row = top; row < bottom; row += 1) mask.fill(0, row * ink.width + left, row * ink.width + Math.max(left, right));
  }
  const { labels, boxes } = components(like(ink, mask));
  const pieces = [];
  boxes.forEach(([x, y, width, height], n) => {
    if (height < LOW * usual * scale || height > HIGH * usual * scale) return;
    const own = part(picture(ink.width, ink.height, labels), x, y, width, height).values;
    const shown = part(ink, x, y, width, height).values;
    const values = Uint8Array.from(shown, (value, i) => (own[i] === n + 1 ? Math.trunc(Math.fround(255 * value)) : 0));
    pieces.push(piece(x, y, picture(width, height, values)));
  });
  return pieces;
}

/** The box, in the picture, of a piece in a copy scaled by `scale`. */
function boxAt(own, scale) {
  const [x, y, right, bottom] = [own.x, own.y, own.right, own.bottom].map((value) => roundEven(value / scale));
  return [x, y, Math.max(1, right - x), Math.max(1, bottom - y)];
}
