// GridSample: a picture's values at places between its pixels.

import { NotOnnx, tensor } from "./file.js";

const A = -0.75; // the bicubic kernel's, as in PyTorch

/** The weights of the four values around a place that lies `t` after the second of them. */
export function cubic(t) {
  const near = (x) => ((A + 2) * x - (A + 3)) * x * x + 1;
  const far = (x) => ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

export function gridSample({ told }, [images, grid]) {
  const isOurs = (told.mode === "bicubic" || told.mode === "cubic") && (told.padding_mode ?? "zeros") === "zeros" && !told.align_corners;
  if (!isOurs) throw new NotOnnx("GridSample other than bicubic with zeros around");
  const [count, channels, height, width] = images.shape;
  const [, rows, columns] = grid.shape;
  const made = new Float32Array(count * channels * rows * columns);
  for (let image = 0; image < count; image += 1) {
    for (let place = 0; place < rows * columns; place += 1) {
      const at = 2 * (image * rows * columns + place);
      const x = ((grid.values[at] + 1) * width - 1) / 2;
      const y = ((grid.values[at + 1] + 1) * height - 1) / 2;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [across, down] = [cubic(x - left), cubic(y - top)];
      for (let channel = 0; channel < channels; channel += 1) {
        const map = image * channels + channel;
        let sum = 0;
        for (let i = 0; i < 4; i += 1) {
          const row = top - 1 + i;
          if (row < 0 || row >= height) continue;
          for (let j = 0; j < 4; j += 1) {
            const column = left - 1 + j;
            if (column >= 0 && column < width) sum += down[i] * across[j] * images.values[(map * height + row) * width + column];
          }
        }
        made[map * rows * columns + place] = sum;
      }
    }
  }
  return tensor([count, channels, rows, columns], made);
}
