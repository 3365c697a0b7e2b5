// The theme's colours for canvases, and arrays of numbers as coloured cells.

import { fromBase64 } from "./state.js";

const style = getComputedStyle(document.documentElement);
const known = new Map();

/** Call this when the theme changes. */
export function forgetColours() {
  known.clear();
}

/** A colour by its name in style.css, such as "ink", always as #rrggbb. */
export function colour(name) {
  if (!known.has(name)) known.set(name, style.getPropertyValue(`--${name}`).trim());
  return known.get(name);
}

/** The red, green and blue of that colour. */
export function channels(name) {
  return [1, 3, 5].map((at) => parseInt(colour(name).slice(at, at + 2), 16));
}

export function mix(from, to, share) {
  return from.map((value, i) => value + (to[i] - value) * share);
}

/** The server's array, unpacked into its shape and its numbers; an array that this page made is unpacked already. */
export function unpack({ shape, low, high, bits, data, values: made }) {
  if (made) return { shape, values: made };
  const bytes = fromBase64(data);
  const values = bits === 32 ? new Float32Array(bytes.buffer) : Float32Array.from(bytes, (n) => low + ((high - low) * n) / 255);
  return { shape, values };
}

/** How many shades there are on each side of zero: from negative to positive, or from paper to ink. */
export const SHADES = 127;

/**
 * How the page colours numbers: negative ones blue, zero like paper, positive ones orange. Amounts of ink go from the colour of
 * paper for 0 to that of ink for the most there can be. Shade SHADES + n stands for the share n / SHADES, -1 to 1, of the most.
 */
export function shades(ofInk = false) {
  const name = ofInk ? "shades of ink" : "shades";
  if (!known.has(name)) known.set(name, makeShades(ofInk ? "ink" : "for", ofInk ? "sheet-paper" : "against"));
  return known.get(name);
}

function makeShades(positive, negative) {
  const table = new Uint8ClampedArray(4 * (2 * SHADES + 1));
  for (let n = -SHADES; n <= SHADES; n += 1) table.set([...shade(n / SHADES, positive, negative), 255], 4 * (SHADES + n));
  return new Uint32Array(table.buffer);
}

/** The red, green and blue for a share, -1 to 1, of the largest number. */
export function shade(share, positive = "for", negative = "against") {
  return mix(channels("sheet-paper"), channels(share > 0 ? positive : negative), Math.min(1, Math.abs(share)) ** 0.7);
}

/** The pixels (Uint32Array) for numbers, the largest of which is `most`. */
export function painted(values, most, ofInk = false) {
  const table = shades(ofInk);
  const scale = SHADES / (most || 1);
  const pixels = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i += 1) pixels[i] = table[SHADES + Math.round(scale * values[i])];
  return pixels;
}

export function largest(values) {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/** MNIST's own look, whatever the theme: white ink on black. */
export function drawGrey(canvas, pixels) {
  const image = new ImageData(28, 28);
  for (let i = 0; i < 784; i += 1) {
    image.data.fill(pixels[i], 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
