// Reads connected strokes as digits, as in mnistlab.reading.strokes.

import { assemble, look } from "./assembly.js";
import { findInk } from "./ink.js";
import { isMiddleIn, mark } from "./marks.js";
import { median } from "./numbers.js";
import { boxInPicture, boxOf, findPieces } from "./pieces.js";

const ALIKE = 1.7;
const THIN = 0.12;

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
