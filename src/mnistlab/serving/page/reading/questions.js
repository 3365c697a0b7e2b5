// Finds where, between the digits of a line, strokes alone are ambiguous. The finder looks only there.
// As in mnistlab.reading.questions.

import { foundMark, look, SIZES } from "./finder.js";
import { HIGH } from "./ink.js";
import { argsort, largest, mean, median } from "./numbers.js";
import { INK_LEVEL } from "./paper.js";
import { inverse, part, resized } from "./pictures.js";
import { inPicture } from "./pieces.js";
import { sizeOf } from "./strokes.js";

const [LEAST, LOWEST, LONGEST] = [0.05, 0.6, 1];
const NEAR = 1.6;
const [BELOW, ABOVE] = [0.45, 1.1];
const HEAD = 0.3;
const [TALL, LEANING] = [1.12, 0.2];
const OUTSIZED = 1.2;
const [PLAIN, LIKE_OTHERS] = [0.999, 1.03];
const [AROUND, OVER] = [1.6, 0.6];

/** The marks of one line, from the left, in the coordinates of their `levelBox`. */
export class Row {
  constructor(marks, numbers) {
    this.numbers = numbers;
    this.marks = numbers.map((number) => marks[number]);
    this.boxes = this.marks.map(({ levelBox }) => levelBox);
    this.height = median(this.boxes.map((box) => box[3]));
    this.tall = this.boxes.map((box) => box[3] / this.height);
    this.leaning = [...this.marks.keys()].filter((n) => this.marks[n].label === 1 && lean(this.marks[n].image) > LEANING);
    this.slashes = this.leaning.filter((n) => this.tall[n] > TALL);
  }

  /** The indices of the marks that may be a slash or a percent sign, or have a comma attached. */
  get unusual() {
    const last = this.marks.length - 1;
    const asked = new Set(this.slashes);
    this.tall.forEach((tall, n) => tall > OUTSIZED && asked.add(n));
    if (this.marks[last].sure < PLAIN || this.tall[last] > LIKE_OTHERS || this.leaning.includes(last)) asked.add(last);
    return [...asked].sort((a, b) => a - b);
  }

  /** The index of the mark nearest to `x`, and the mean baseline of the nearest two: {nearest, feet}; null if none is near. */
  beside(x, without = []) {
    const apart = this.boxes.map(([left, , width], n) => {
      if (without.includes(n)) return Infinity;
      return Math.max(left - x, x - left - width, 0) + 1e-3 * Math.abs(left + width / 2 - x);
    });
    const nearest = argsortFar(apart).slice(0, 2);
    if (!(apart[nearest[0]] < NEAR * this.height)) return null;
    const close = nearest.filter((n) => apart[n] < 2 * NEAR * this.height);
    return { nearest: nearest[0], feet: mean(close.map((n) => this.boxes[n][1] + this.boxes[n][3])) };
  }

  /**
   * The boxes, in the marks' coordinates, of the strokes that may be signs, rather than dirt or digits; and how dark each stroke
   * is at its darkest, relative to the page's typical ink: {boxes, darkest}.
   */
  smallStrokes(ink, strokes) {
    const [left, top] = [0, 1].map((axis) => Math.min(...this.boxes.map((box) => box[axis])) - NEAR * this.height);
    const [right, bottom] = [0, 1].map((axis) => Math.max(...this.boxes.map((box) => box[axis] + box[axis + 2])) + NEAR * this.height);
    const numbers = [...strokes.keys()].filter((number) => {
      const box = strokes[number];
      const [x, y] = [box[0] + box[2] / 2, box[1] + box[3] / 2];
      const [wide, high] = [box[2] / this.height, box[3] / this.height];
      if (!(x > left && y > top && x < right && y < bottom)) return false;
      if (!(Math.max(high, wide) >= LEAST && high < LOWEST && wide < LONGEST)) return false;
      return this.asksAbout(x, y);
    });
    const seen = numbers.map((number) => ({ box: strokes[number], dark: largest(ink.ofStroke(number + 1).values) / INK_LEVEL }));
    const small = seen.filter(({ dark }) => dark >= HIGH);
    return { boxes: small.map(({ box }) => box), darkest: small.map(({ dark }) => dark) };
  }

  /** Whether a small stroke at (x, y) may be a sign, rather than dirt or part of a digit. */
  asksAbout(x, y) {
    const near = this.beside(x);
    const above = near && (near.feet - y) / this.height;
    if (!near || !(-BELOW < above && above < ABOVE)) return false;
    const over = this.boxes.filter(([left, , width]) => left <= x && x < left + width);
    return !over.some((box) => y > box[1] - 0.05 * this.height && y < box[1] + HEAD * box[3]);
  }
}

/** argsort for numbers, some of which are infinite. */
const argsortFar = (values) => argsort(values.map((value) => (value === Infinity ? Number.MAX_VALUE : value)));

/** How many pixels a stroke (784 pixels) leans to the right per pixel of height. */
function lean(image) {
  let [mass, x, y] = [0, 0, 0];
  image.forEach((value, i) => {
    mass += value;
    x += value * (i % 28);
    y += value * Math.floor(i / 28);
  });
  if (mass === 0) return 0;
  let [both, down] = [0, 0];
  image.forEach((value, i) => {
    const away = Math.floor(i / 28) - y / mass;
    both += value * ((i % 28) - x / mass) * away;
    down += value * away * away;
  });
  return -both / Math.max(down, 1e-6);
}

/** The parts of a line to look at, as x, y, width, height: one around each of the boxes `questions`, merged if they overlap. */
export function windows(questions, row) {
  const spans = [];
  const sorted = [...questions].sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3]);
  for (const [x, , width] of sorted) {
    const [left, right] = [x - AROUND * row.height, x + width + AROUND * row.height];
    if (spans.length && left < spans.at(-1)[1]) spans.at(-1)[1] = Math.max(spans.at(-1)[1], right);
    else spans.push([left, right]);
  }
  return spans.map(([left, right]) => {
    const near = row.boxes.filter(([x, , width]) => x < right && x + width > left);
    const top = Math.min(...near.map((box) => box[1])) - OVER * row.height;
    return [left, top, right - left, Math.max(...near.map((box) => box[1] + box[3])) + OVER * row.height - top];
  });
}

/** The finder's detections in a window (x, y, width, height) of the ink, in its coordinates; digits there are `height` high. */
export function lookBetween(finder, gray, ink, window, height) {
  const [x, y, wide, high] = inPicture(window, ink, sizeOf(gray));
  const larger = largerInPicture(ink);
  const back = inverse(ink.toPicture);
  const scale = SIZES[1] / (height * larger);
  const { found } = look(finder, resized(part(gray, x, y, wide, high), scale), scale);
  return found.map((mark) => {
    const [across, down] = [mark.x + x - 0.5, mark.y + y - 0.5];
    const [left, top] = back.map(([a, b, c]) => a * across + b * down + c + 0.5);
    return foundMark({ ...mark, x: left, y: top, width: mark.width / larger, height: mark.height / larger, level: 0, isLight: false });
  });
}

/** The approximate box of each of the ink's strokes in the picture. */
export function boxesInPicture(ink) {
  const larger = largerInPicture(ink);
  return ink.strokes.boxes.map(([x, y, width, height]) => {
    const [wide, high] = [larger * width, larger * height];
    const [across, down] = ink.toPicture.map(([a, b, c]) => a * (x + width / 2) + b * (y + height / 2) + c);
    return [across - wide / 2, down - high / 2, wide, high];
  });
}

/** By what factor lengths are larger in the picture than in the ink. */
export function largerInPicture({ toPicture: [[a, b], [c, d]] }) {
  return Math.sqrt(Math.abs(a * d - b * c));
}
