// Turns a piece of ink into an image like MNIST's: 28x28, centre of mass in the middle. As in mnistlab.reading.mnist_form.

import { byDisc } from "./filters.js";
import { clip, roundEven } from "./numbers.js";
import { strokeWidth } from "./paper.js";
import { framed, like, longestSide, part, resize, resized } from "./pictures.js";

const [SIDE, BOX] = [28, 20];
const [THINNEST, THICKEST] = [1.6, 4.6];
const DETAIL = 100;

/** The piece in the form of MNIST's digits: Uint8Array of 784, ink 255 on 0. */
export function toMnistForm(piece) {
  const longest = longestSide(piece.strength);
  let strength = resized(piece.strength, longest > DETAIL ? DETAIL / longest : Math.max(1, (2 * BOX) / longest));
  strength = usualWidth(fullContrast(strength));
  const scale = BOX / longestSide(strength);
  const [width, height] = [strength.width, strength.height].map((side) => Math.max(1, roundEven(side * scale)));
  return centred(fullContrast(resize(strength, width, height, "area")));
}

/** The image, its values scaled so that strong ink (the 90th percentile) is 255. */
function fullContrast(strength) {
  const inked = strength.values.filter((value) => value > 40).sort();
  const top = inked.length ? inked[roundEven(0.9 * (inked.length - 1))] : 255;
  const factor = Math.fround(255 / Math.max(top, 40));
  return like(strength, strength.values.map((value) => Math.min(255, roundEven(Math.fround(value * factor)))));
}

/** The piece with strokes thinner than `THINNEST` thickened to it, and strokes thicker than `THICKEST` thinned to it. */
function usualWidth(strength) {
  const mask = like(strength, strength.values.map((value) => (value > 100 ? 1 : 0)));
  if (!mask.values.includes(1)) return strength;
  const width = strokeWidth(mask);
  const unit = longestSide(strength) / BOX; // pixels of the piece per pixel of MNIST's form
  if (width < THINNEST * unit) {
    const radius = Math.ceil((THINNEST * unit - width) / 2);
    return byDisc(framed(strength, radius, radius, radius, radius, 0), radius, true);
  }
  const radius = Math.trunc((width - THICKEST * unit) / 2);
  return width > THICKEST * unit && radius ? thinned(strength, radius) : strength;
}

function thinned(strength, radius) {
  const thinner = byDisc(framed(strength, 1, 1, 1, 1, 0), radius, false);
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  thinner.values.forEach((value, i) => {
    if (value <= 60) return;
    const [x, y] = [i % thinner.width, Math.floor(i / thinner.width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  return right < 0 ? strength : part(thinner, left, top, right + 1 - left, bottom + 1 - top);
}

/** The image placed in 28x28 pixels with its centre of mass in the middle, or as close to the middle as the image fits. */
function centred({ width, height, values }) {
  let [total, across, down] = [0, 0, 0];
  values.forEach((value, i) => {
    total += value;
    across += value * (i % width);
    down += value * Math.floor(i / width);
  });
  const image = new Uint8Array(SIDE * SIDE);
  if (total === 0) return image;
  const top = clip(roundEven(SIDE / 2 - down / total), 0, SIDE - height);
  const left = clip(roundEven(SIDE / 2 - across / total), 0, SIDE - width);
  for (let row = 0; row < height; row += 1) image.set(values.subarray(row * width, (row + 1) * width), (top + row) * SIDE + left);
  return image;
}
