// Deskews a digit, as mnistlab.networks.deskew does: removes its slant, and moves its centre of mass to the middle.

import { sample } from "./bicubic.js";

const SIDE = 28;
const MIDDLE = (SIDE - 1) / 2;

/** The deskewed digit (Float32Array) for 784 pixels, whose lowest value is paper, in the same range. */
export function deskewed(pixels) {
  const paper = Math.min(...pixels);
  const ink = Float32Array.from(pixels, (value) => value - paper);
  const most = Math.max(...ink);
  if (most === 0) return Float32Array.from(pixels);
  const mean = (of) => ink.reduce((sum, value, i) => sum + value * of(i % SIDE, Math.floor(i / SIDE)), 0) / mass;
  const mass = ink.reduce((sum, value) => sum + value, 0);
  const middleX = mean((x) => x);
  const middleY = mean((_, y) => y);
  const spread = mean((_, y) => (y - middleY) ** 2);
  const slant = spread && mean((x, y) => (x - middleX) * (y - middleY)) / spread;
  const held = Math.min(1, Math.max(-1, slant));
  return ink.map((_, i) => {
    const y = Math.floor(i / SIDE) - MIDDLE;
    const straight = sample(ink, SIDE, SIDE, middleX + (i % SIDE) - MIDDLE + held * y, middleY + y);
    return Math.min(most, Math.max(0, straight)) + paper;
  });
}
