// GridSample: a picture's values between its pixels.

import { sample } from "../bicubic.js";
import { NotOnnx, tensor } from "./file.js";

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
      for (let channel = 0; channel < channels; channel += 1) {
        const map = image * channels + channel;
        made[map * rows * columns + place] = sample(images.values, width, height, x, y, map * height * width);
      }
    }
  }
  return tensor([count, channels, rows, columns], made);
}
