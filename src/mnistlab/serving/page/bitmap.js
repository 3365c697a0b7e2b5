// Turns a canvas into a file of grey pixels.

/** An 8-bit grey BMP of an ImageData whose pixels are grey. */
export function greyBitmap({ data, width, height }) {
  const start = 14 + 40 + 4 * 256;
  const rowBytes = Math.ceil(width / 4) * 4;
  const file = new Uint8Array(start + rowBytes * height);
  const header = new DataView(file.buffer);
  header.setUint16(0, 0x424d); // "BM"
  header.setUint32(2, file.length, true);
  header.setUint32(10, start, true);
  header.setUint32(14, 40, true);
  header.setInt32(18, width, true);
  header.setInt32(22, height, true);
  header.setUint16(26, 1, true);
  header.setUint16(28, 8, true); // bits per pixel
  header.setUint32(46, 256, true); // colours in the palette
  for (let grey = 0; grey < 256; grey += 1) file.fill(grey, 54 + 4 * grey, 57 + 4 * grey);
  for (let y = 0; y < height; y += 1) {
    const row = start + rowBytes * (height - 1 - y); // a BMP's rows go from the bottom up
    for (let x = 0; x < width; x += 1) file[row + x] = data[4 * (y * width + x)];
  }
  return file;
}
