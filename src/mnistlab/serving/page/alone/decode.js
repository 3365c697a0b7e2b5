// A picture's pixels: exact from the sheet's own bitmaps, and as the browser decodes them from any other file.

import { picture } from "../reading/pictures.js";

/** The picture in a file (Uint8Array of a BMP, or a Blob), upright: grey, or red, green and blue; null if it is not a picture. */
export async function pictureOf(body, type) {
  if (type === "image/bmp" && body instanceof Uint8Array) return fromBitmap(body);
  const blob = body instanceof Blob ? body : new Blob([body], { type });
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" }).catch(() => null);
  if (!bitmap) return null;
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // transparent pixels are paper
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return fromPixels(context.getImageData(0, 0, width, height));
}

/** A grey BMP as written by bitmap.js: its rows go from the bottom up, its palette is grey. */
function fromBitmap(file) {
  const header = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [start, width, height] = [10, 18, 22].map((at) => header.getInt32(at, true));
  const rowBytes = Math.ceil(width / 4) * 4;
  const values = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const row = start + rowBytes * (height - 1 - y);
    values.set(file.subarray(row, row + width), y * width);
  }
  return picture(width, height, values);
}

function fromPixels({ width, height, data }) {
  const isGrey = data.every((value, i) => i % 4 === 3 || value === data[i - (i % 4)]);
  const channels = isGrey ? 1 : 3;
  const values = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i += 1) for (let c = 0; c < channels; c += 1) values[i * channels + c] = data[4 * i + c];
  return picture(width, height, values, channels);
}
