// Makes a digit upright as mnistlab.networks.deskew does: its slant taken out, its centre of mass in the middle.

const SIDE = 28;
const MIDDLE = (SIDE - 1) / 2;
const A = -0.75; // the bicubic kernel's, as in PyTorch

/** The weights of the four values around a place that lies `t` after the second of them. */
function cubic(t) {
  const near = (x) => ((A + 2) * x - (A + 3)) * x * x + 1;
  const far = (x) => ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

function sample(ink, x, y) {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const across = cubic(x - left);
  const down = cubic(y - top);
  let sum = 0;
  for (let i = 0; i < 4; i += 1) {
    const row = top - 1 + i;
    if (row < 0 || row >= SIDE) continue;
    for (let j = 0; j < 4; j += 1) {
      const column = left - 1 + j;
      if (column >= 0 && column < SIDE) sum += down[i] * across[j] * ink[row * SIDE + column];
    }
  }
  return sum;
}

/** Of pixels (784, the lowest of them paper), those of the upright digit, in the same range (Float32Array). */
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
    const straight = sample(ink, middleX + (i % SIDE) - MIDDLE + held * y, middleY + y);
    return Math.min(most, Math.max(0, straight)) + paper;
  });
}
