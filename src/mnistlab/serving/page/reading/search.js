// The two ways to look for digits, connected strokes and the finder, and how they are combined.
// As in mnistlab.reading.search.

import { find } from "./overlaps.js";
import { findInk } from "./ink.js";
import { changed, covered, mark } from "./marks.js";
import { median } from "./numbers.js";
import { grey, like, turnedBy } from "./pictures.js";
import { boxInPicture, findPieces, inPicture } from "./pieces.js";
import { boxesInPicture, largerInPicture } from "./questions.js";
import { signsAmong, signsBetween } from "./separators.js";
import { boxOfSpot, isWhole, spots } from "./spots.js";
import { assembled, leavesNoQuestion, lightStrokes, sizeOf } from "./strokes.js";
import { surest, unread } from "./surest.js";
import { darkParts, lookEverywhere, turns } from "./upright.js";

const SHINES_THROUGH = 0.25;
const MOST_PIECES = 400;
const [SPECK, DOUBTFUL] = [0.45, 0.5];
const PART = 0.4;
const FEW = 0.25;
const THICKEST = 0.2;
const FILLED = 0.6;
const BOLDEST = 1 / 6;
const [LONGEST, WIDEST] = [25, 1.5];
const LEAST_PART = 0.5;
const CLEAR = 1.2;

/**
 * The digits and separators on a page: {marks, signs}, both with boxes in the picture. `openFinder` opens the
 * finder, which most drawings do not need.
 */
export async function writingOnPaper(openFinder, classifier, given, threshold) {
  const size = sizeOf(given);
  const ink = findInk(given);
  const light = grey(given);
  const gray = ink.isOnDark ? like(light, light.values.map((value) => 255 - value)) : light;
  const pieces = findPieces(ink);
  const strokes = pieces.length <= MOST_PIECES ? assembled(classifier, ink, pieces, given) : [];
  const isPlain = pieces.length <= MOST_PIECES && !ink.rules && leavesNoQuestion(strokes, pieces, given, threshold);
  const drawing = loneDrawing(ink, pieces);
  const isLine = drawing && inkIn(drawing) < FILLED;
  const likely = drawing ? strokes.filter(({ sure }) => isLine || sure >= DOUBTFUL) : [];
  const written = likely.filter(({ levelBox }) => ink.pen < THICKEST * levelBox[3]).map(({ box }) => box);
  const dark = darkParts(gray, written);
  let [found, looked, quarters] = [[], [], 0];
  if (dark.length || !isPlain) {
    const how = { lowest: 0, dark, box: null, inked: drawing ? null : boxesInPicture(ink), isTurnable: true };
    how.strokes = drawing ? [] : strokes;
    if (drawing) {
      const least = ink.finest / BOLDEST;
      const isWide = drawing.width >= WIDEST * drawing.height;
      how.lowest = (isWide ? least : Math.max(least, LEAST_PART * drawing.height)) * largerInPicture(ink);
      how.box = dark.length ? null : boxInPicture(drawing, ink, size);
      how.isTurnable = isWide && drawing.height > least;
    }
    ({ found, looked, quarters } = foundDigits(await openFinder(), classifier, gray, threshold, how));
  }
  if (dark.length && !quarters && !found.some(({ sure }) => sure >= threshold)) {
    const lit = lightStrokes(classifier, gray, dark, threshold);
    if (lit.length) found = lit;
  }
  if (found.length === 0) {
    const signs = await signsBetween(openFinder, gray, ink, strokes);
    return withSigns(strokes, signs.map((sign) => ({ ...sign, box: inPicture(sign.levelBox, ink, size) })));
  }
  if (!quarters) found = surest(found, looked, strokes, classifier, { ink, pieces, given, threshold });
  const turned = quarters % 2 ? [size[1], size[0]] : size;
  for (const one of unread(classifier, looked, found, quarters ? [] : strokes, threshold))
    found.push(changed(one, { box: turnedBack(one.levelBox, quarters, turned) }));
  const signs = signsAmong(looked, quarters ? null : ink, found);
  return withSigns(found, signs.map((sign) => ({ ...sign, box: turnedBack(sign.levelBox, quarters, turned) })));
}

/** The share of a piece's box that has ink. */
const inkIn = ({ strength: { values } }) => values.reduce((sum, value) => sum + (value > 0), 0) / values.length;

/**
 * The only piece of ink, if it was drawn with a broad pen (so is not a grid or frame) and has paper all around; else null.
 * What reaches the picture's edge may be a line with digits standing on it.
 */
function loneDrawing(ink, pieces) {
  if (ink.rules || pieces.length !== 1) return null;
  const [piece] = pieces;
  const inside = Math.min(piece.x, piece.y) > 0 && piece.right < ink.strength.width && piece.bottom < ink.strength.height;
  return inside && piece.height < LONGEST * ink.pen ? piece : null;
}

/** The marks, without those that are part of a sign; and the signs that are beside a remaining mark. */
function withSigns(marks, signs) {
  const gone = new Set(signs.flatMap(({ insteadOf }) => insteadOf));
  const left = [...marks.keys()].filter((number) => !gone.has(number));
  const place = new Map(left.map((number, n) => [number, n]));
  const kept = signs.filter(({ beside }) => place.has(beside));
  return { marks: left.map((number) => marks[number]), signs: kept.map((sign) => ({ ...sign, beside: place.get(sign.beside) })) };
}

/** What the finder takes for digits, or for something else as large as a digit, with the classifier's answer to each. */
function foundDigits(finder, classifier, page, threshold, { lowest, dark, box, inked, isTurnable, strokes }) {
  let gray = page;
  let looked = lookEverywhere(finder, gray, { lowest, dark, boxes: box && [box], inked });
  const quarters = isTurnable ? turns(finder, classifier, gray, looked, threshold, { strokes, box }) : 0;
  if (quarters) {
    gray = turnedBy(gray, quarters);
    looked = lookEverywhere(finder, gray, { lowest, dark: dark.length ? darkParts(gray, []) : [] });
  }
  const size = sizeOf(gray);
  let seen = spots(classifier, find(looked), looked).filter(isWhole);
  const usual = seen.length ? median(seen.map(({ found }) => found.height)) : 0;
  seen = seen.filter(({ sure, found }) => sure >= DOUBTFUL || found.height >= SPECK * usual);
  const darkness = seen.length ? median(seen.map((spot) => spot.darkness)) : 0;
  const faint = Math.min(darkness, SHINES_THROUGH * darkness);
  const isNoise = seen.filter(({ sure }) => sure >= threshold).length < FEW * seen.length;
  const marks = [];
  for (const spot of [...seen].sort((a, b) => b.sure - a.sure)) {
    const box = boxOfSpot(spot, size);
    const isPart = spot.sure < threshold && marks.some(({ levelBox }) => covered(box, levelBox) > PART);
    if (spot.darkness < faint || (isNoise && spot.found.weight < CLEAR) || isPart) continue;
    marks.push(mark(spot.image, spot.probabilities, turnedBack(box, quarters, size), box, spot.found.isLight));
  }
  return { found: marks, looked, quarters };
}

/** A box of a page of this size after the page is turned back by that many quarter turns. */
function turnedBack(box, quarters, [width, height]) {
  let [x, y, wide, high] = box;
  let size = [width, height];
  for (let n = 0; n < quarters; n += 1) {
    [x, y, wide, high] = [size[1] - y - high, x, high, wide]; // a quarter turn back: clockwise
    size = [size[1], size[0]];
  }
  return [x, y, wide, high];
}
