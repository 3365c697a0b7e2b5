// The theme's colours for canvases, and arrays of numbers as coloured cells.

import { fromBase64 } from "./state.js";

const style = getComputedStyle(document.documentElement);
const known = new Map();

/** To be called when the theme changes. */
export function forgetColours() {
  known.clear();
}

/** A colour of style.css by its name there, such as "ink": always #rrggbb. */
export function colour(name) {
  if (!known.has(name)) known.set(name, style.getPropertyValue(`--${name}`).trim());
  return known.get(name);
}

/** Its red, green and blue. */
export function channels(name) {
  return [1, 3, 5].map((at) => parseInt(colour(name).slice(at, at + 2), 16));
}

export function mix(from, to, share) {
  return from.map((value, i) => value + (to[i] - value) * share);
}

/** The server's array, unpacked: its shape, what its numbers stand for, and 8 bits of each to colour. */
export class Cells {
  constructor({ shape, low, high, bits, data }) {
    this.shape = shape;
    this.low = low;
    this.high = high;
    const bytes = fromBase64(data);
    this.numbers = bits === 16 ? new Uint16Array(bytes.buffer) : bytes;
    this.most = 2 ** bits - 1;
    this.bytes = bits === 16 ? Uint8Array.from(this.numbers, (number) => number >> 8) : bytes;
  }

  value(index) {
    return this.low + ((this.high - this.low) * this.numbers[index]) / this.most;
  }

  get values() {
    return Array.from(this.numbers, (_, index) => this.value(index));
  }

  /**
   * Of each byte, its colour as one pixel: from paper to ink where nothing is negative, else blue over paper to orange.
   */
  colours() {
    const table = new Uint8ClampedArray(4 * 256);
    const most = Math.max(Math.abs(this.low), Math.abs(this.high)) || 1;
    const paper = channels("sheet-paper");
    const more = channels(this.low >= 0 ? "ink" : "for");
    const less = channels("against");
    for (let byte = 0; byte < 256; byte += 1) {
      const share = (this.low + ((this.high - this.low) * byte) / 255) / most;
      table.set([...mix(paper, share > 0 ? more : less, Math.abs(share) ** 0.7), 255], 4 * byte);
    }
    return new Uint32Array(table.buffer);
  }
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
