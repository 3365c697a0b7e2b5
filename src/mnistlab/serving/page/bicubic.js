// A picture's values between its pixels, as in PyTorch's bicubic grid_sample.

const A = -0.75; // the parameter of the bicubic kernel

/** The weights of the four values around a place that lies `t`, 0 to 1, after the second of them. */
export function cubic(t) {
  const near = (x) => ((A + 2) * x - (A + 3)) * x * x + 1;
  const far = (x) => ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/** The value at (x, y) of the picture that begins at `start` in `values`; outside, it is zero. */
export function sample(values, width, height, x, y, start = 0) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [across, down] = [cubic(x - left), cubic(y - top)];
  let sum = 0;
  for (let i = 0; i < 4; i += 1) {
    const row = top - 1 + i;
    if (row < 0 || row >= height) continue;
    for (let j = 0; j < 4; j += 1) {
      const column = left - 1 + j;
      if (column >= 0 && column < width) sum += down[i] * across[j] * values[start + row * width + column];
    }
  }
  return sum;
}
