// Marks that may be digits, grouped by place. As in mnistlab.reading.marks.
//
// A mark is {image, probabilities, box, levelBox, isLight, label, sure}; boxes are x, y, width, height.

import { largestOf } from "../onnx/classifier.js";

/** Boxes with a larger intersection over union than this belong to the same digit. */
export const SAME = 0.5;

export function mark(image, probabilities, box, levelBox, isLight = false) {
  const label = largestOf(probabilities);
  return { image, probabilities, box, levelBox, isLight, label, sure: probabilities[label] };
}

/** The mark with some values replaced. */
export function changed(old, more) {
  const { image, probabilities, box, levelBox, isLight } = { ...old, ...more };
  return mark(image, probabilities, box, levelBox, isLight);
}

/** How well marks explain a place: the mean of their probabilities; 0 if there are no marks. */
export const sureness = (marks) => (marks.length ? marks.reduce((sum, { sure }) => sum + sure, 0) / marks.length : 0);

/** Whether the centre of one box lies in another. */
export const isMiddleIn = (one, other) =>
  [0, 1].every((axis) => {
    const middle = one[axis] + one[axis + 2] / 2;
    return other[axis] <= middle && middle < other[axis] + other[axis + 2];
  });

/** Whether one of two boxes contains the centre of the other. */
export const doMeet = (one, other) => isMiddleIn(one, other) || isMiddleIn(other, one);

/** The marks by place: [[strokes, found], ...]. Marks that meet, directly or through others, share a place. */
export function places(strokes, found) {
  const marks = [...strokes, ...found];
  const parent = marks.map((_, n) => n);
  const root = (number) => {
    let at = number;
    while (parent[at] !== at) at = parent[at];
    return at;
  };
  strokes.forEach((one, n) =>
    found.forEach((other, m) => {
      if (doMeet(one.box, other.box)) parent[root(n)] = root(strokes.length + m);
    }),
  );
  const groups = new Map();
  marks.forEach((one, n) => {
    const place = root(n);
    if (!groups.has(place)) groups.set(place, [[], []]);
    groups.get(place)[n < strokes.length ? 0 : 1].push(one);
  });
  return [...groups.values()];
}

/** Whether a point lies in a box. */
export const covers = ([left, top, width, height], x, y) => left <= x && x < left + width && top <= y && y < top + height;

function shared(one, other) {
  const wide = Math.min(one[0] + one[2], other[0] + other[2]) - Math.max(one[0], other[0]);
  const high = Math.min(one[1] + one[3], other[1] + other[3]) - Math.max(one[1], other[1]);
  return Math.max(0, wide) * Math.max(0, high);
}

/** Intersection over union of two boxes, 0 to 1. */
export function overlap(one, other) {
  const both = shared(one, other);
  return both / (one[2] * one[3] + other[2] * other[3] - both);
}

/** The share of the smaller box that lies in the larger box, 0 to 1. */
export const covered = (one, other) => shared(one, other) / Math.min(one[2] * one[3], other[2] * other[3]);
