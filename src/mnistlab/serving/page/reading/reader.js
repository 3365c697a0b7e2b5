// Reads the digits, with calibrated probabilities, in pictures of handwriting, as in mnistlab.reading.reader and page.

import { largestOf } from "../onnx/classifier.js";
import { linesOf } from "./layout.js";
import { median, roundEven } from "./numbers.js";
import { longestSide } from "./pictures.js";
import { writingOnPaper } from "./search.js";
import { connectedStrokes } from "./strokes.js";

const SMALL = 28;
const GAP = 1.1;

/** A probability with four decimals, never rounded up to 1. */
export const shownProbability = (probability) => roundEven(Math.min(probability, 1 - 1e-4) * 1e4) / 1e4;

/**
 * Reads a picture with a classifier and, if that knows the ten digits, with the finder that `openFinder` opens: {text, size,
 * lines}, as in the API's /read; the `pixels` of each digit are a Uint8Array.
 */
export async function readPicture(openFinder, classifier, given) {
  const knowsDigits = classifier.values.join() === "0,1,2,3,4,5,6,7,8,9";
  const { threshold } = classifier;
  const written =
    !knowsDigits || longestSide(given) <= SMALL
      ? { marks: connectedStrokes(classifier, given), signs: [] }
      : await writingOnPaper(openFinder, classifier, given, threshold);
  const lines = linesOf(written.marks.map(({ levelBox }) => levelBox)).map((numbers) => lineOf(written, numbers, classifier));
  return { text: lines.map(({ text }) => text).join("\n"), size: [given.width, given.height], lines };
}

/** The digits and signs of one line, from left to right, and the line's text. */
function lineOf({ marks, signs }, numbers, classifier) {
  const middle = ({ levelBox }) => 2 * levelBox[0] + levelBox[2];
  const row = [...numbers.map((number) => marks[number]), ...signs.filter(({ beside }) => numbers.includes(beside))];
  const told = row.sort((a, b) => middle(a) - middle(b)).map((one) => (one.kind ? separator(one) : digit(one, classifier)));
  return { text: textOf(told), digits: told.filter(({ pixels }) => pixels), separators: told.filter(({ pixels }) => !pixels) };
}

const separator = ({ kind, sure, box }) => ({ value: kind, probability: shownProbability(sure), box, accepted: kind !== "?" });

function digit({ image, probabilities, box }, classifier) {
  const label = largestOf(probabilities);
  return {
    value: classifier.values[label],
    probability: shownProbability(probabilities[label]),
    box,
    accepted: probabilities[label] >= classifier.threshold,
    probabilities,
    pixels: image,
  };
}

/** The marks, with "?" for those that are not accepted, and a space at each wide gap. */
function textOf(marks) {
  const shown = marks.map(({ value, accepted }) => (accepted ? String(value) : "?"));
  const gaps = marks.slice(1).map(({ box }, i) => box[0] - (marks[i].box[0] + marks[i].box[2]));
  if (gaps.length === 0) return shown.join("");
  const height = median(marks.filter(({ pixels }) => pixels).map(({ box }) => box[3]));
  const wide = Math.max(GAP * height, 2.2 * Math.max(median(gaps), 0));
  return shown[0] + gaps.map((gap, i) => (gap > wide ? " " : "") + shown[i + 1]).join("");
}
