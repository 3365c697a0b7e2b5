// Reads connected strokes as digits, as in mnistlab.reading.strokes.

import { assemble, look } from "./assembly.js";
import { findInk, SMALL } from "./ink.js";
import { changed, isMiddleIn, mark } from "./marks.js";
import { median, quantile, roundEven } from "./numbers.js";
import { like, longestSide, part } from "./pictures.js";
import { boxInPicture, boxOf, findPieces } from "./pieces.js";

const ALIKE = 1.7;
const THIN = 0.12;
const [RIM, MOSTLY] = [4, 0.6];
const [MOST_PARTS, MOST_DIGITS] = [4, 20];

export const sizeOf = ({ width, height }) => [width, height];

/** The connected strokes in a picture, joined and cut as the classifier finds most likely. */
export function connectedStrokes(classifier, given) {
  const ink = findInk(given);
  return assembled(classifier, ink, findPieces(ink), given);
}

/** Pieces of ink as marks. */
export function assembled(classifier, ink, pieces, given) {
  if (pieces.length === 0) return [];
  const units = ink.isWhole ? look(classifier, pieces) : assemble(classifier, pieces);
  return units.map((unit) => marked(unit, ink, given));
}

/** A unit of ink as a mark. */
export const marked = ({ piece, image, probabilities }, ink, given) =>
  mark(image, probabilities, boxInPicture(piece, ink, sizeOf(given)), boxOf(piece));

/**
 * The digits of light writing on dark parts of a page, such as figures, if its connected strokes alone leave no question. Only
 * the largest parts are looked at. Each piece of ink has to be a digit: where there are signs or dirt too, nothing is read.
 */
export function lightStrokes(classifier, gray, dark, threshold) {
  const lit = [];
  const rim = RIM * Math.max(1, longestSide(gray) / 160);
  const sample = gray.values.filter((_, i) => (i % gray.width) % 4 === 0 && Math.floor(i / gray.width) % 4 === 0);
  const level = 0.5 * quantile(sample, 0.9);
  for (const [x, y, width, height] of [...dark].sort((a, b) => b[2] * b[3] - a[2] * a[3]).slice(0, MOST_PARTS)) {
    const [left, top] = [Math.max(0, roundEven(x + rim)), Math.max(0, roundEven(y + rim))];
    const right = Math.min(gray.width, roundEven(x + width - rim));
    const bottom = Math.min(gray.height, roundEven(y + height - rim));
    if (Math.min(right - left, bottom - top) <= SMALL) continue;
    const inside = part(gray, left, top, right - left, bottom - top);
    if (inside.values.reduce((sum, value) => sum + (value < level), 0) / inside.values.length < MOSTLY) continue;
    const light = like(inside, inside.values.map((value) => 255 - value));
    const ink = findInk(light);
    const pieces = findPieces(ink);
    if (ink.isOnDark || ink.rules || pieces.length > MOST_DIGITS) continue;
    const found = assembled(classifier, ink, pieces, light);
    const long = ink.strokes.boxes.filter(([, , wide, high]) => Math.max(wide, high) > ink.pen / 2);
    if (long.length !== found.length || !leavesNoQuestion(found, pieces, light, threshold)) continue;
    for (const one of found) {
      const box = [left + one.box[0], top + one.box[1], one.box[2], one.box[3]];
      lit.push(changed(one, { box, levelBox: box, isLight: true }));
    }
  }
  return lit;
}

/** Whether there are strokes, and all are plainly digits, none of them cut off from another. */
export function leavesNoQuestion(strokes, pieces, given, threshold) {
  const wholes = pieces.map(boxOf);
  const isCut = ({ levelBox }) => wholes.some((whole) => levelBox[2] < whole[2] && isMiddleIn(levelBox, whole));
  return strokes.length > 0 && !strokes.some(isCut) && unremarkable(strokes, given, threshold).length === strokes.length;
}

/** The marks that are plainly digits: accepted, of the usual size, not at the picture's edge, and not as thin as a line. */
export function unremarkable(strokes, given, threshold) {
  if (strokes.length === 0) return [];
  const usual = median(strokes.map(({ box }) => box[3]));
  return strokes.filter(({ box: [left, top, width, height], sure }) => {
    const isWithin = left > 0 && top > 0 && left + width < given.width && top + height < given.height;
    return isWithin && width > THIN * height && height < ALIKE * usual && height * ALIKE > usual && sure >= threshold;
  });
}
