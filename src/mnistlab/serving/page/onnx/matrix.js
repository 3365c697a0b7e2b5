// Matrix products in WebAssembly, or in plain JavaScript if the browser refuses WebAssembly.
//
// The columns of a product need not be copied: each row of them begins at its own place among the values, so that the row for a
// window's cell is the picture itself, shifted. The function takes rows of weights in groups of ROWS, with each group's numbers
// interleaved, and columns in groups of COLUMNS.

import { bytesOf, COLUMNS, engine, ROWS } from "./wasm.js";

export const isFast = engine !== null;

/** Weights, rows x depth, in the form that `multiply` takes. */
export function packed(weights, rows, depth) {
  if (!engine) return weights;
  const made = new Float32Array(Math.ceil(rows / ROWS) * ROWS * depth);
  for (let row = 0; row < rows; row += 1) {
    const first = Math.floor(row / ROWS) * ROWS * depth + (row % ROWS);
    for (let k = 0; k < depth; k += 1) made[first + k * ROWS] = weights[row * depth + k];
  }
  return made;
}

/** How many numbers a row for `count` columns has, rounded up to whole tiles. */
export const widthFor = (count) => Math.ceil(count / COLUMNS) * COLUMNS;

/** Room for that many values, for a product of `rows` rows, `depth` deep and `width` wide; valid until the next call. */
export function roomFor(count, rows, depth, width) {
  if (!engine) return new Float32Array(count + COLUMNS);
  const groups = Math.ceil(rows / ROWS) * ROWS;
  const bytes = 4 * (count + 2 * COLUMNS + groups * width + groups * depth + depth);
  return new Float32Array(bytesOf(bytes).buffer, 0, count + COLUMNS);
}

/**
 * Weights (from `packed`) times columns, plus a bias for each row unless `bias` is null: rows x width. Row k of the columns is in
 * `values` (from `roomFor`), from places[k] (Int32Array) on.
 */
export function multiply(weights, values, places, bias, rows, width) {
  const depth = places.length;
  if (!engine) return multiplyPlainly(weights, values, places, bias, rows, width);
  const { memory, tile } = engine;
  const count = Math.ceil(rows / ROWS) * ROWS;
  const madeAt = widthFor(values.length);
  const weightsAt = madeAt + count * width;
  const placesAt = weightsAt + count * depth;
  const made = new Float32Array(memory.buffer, 4 * madeAt, count * width);
  for (let row = 0; row < count; row += 1) made.fill(bias && row < rows ? bias[row] : 0, row * width, (row + 1) * width);
  new Float32Array(memory.buffer, 4 * weightsAt, weights.length).set(weights);
  const bytes = new Int32Array(memory.buffer, 4 * placesAt, depth);
  for (let k = 0; k < depth; k += 1) bytes[k] = 4 * places[k];
  for (let column = 0; column < width; column += COLUMNS)
    for (let row = 0; row < count; row += ROWS)
      tile(4 * (weightsAt + row * depth), 4 * column, 4 * (madeAt + row * width + column), depth, 4 * width, 4 * placesAt);
  return made;
}

function multiplyPlainly(weights, values, places, bias, rows, width) {
  const depth = places.length;
  const made = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    const first = row * width;
    if (bias) made.fill(bias[row], first, first + width);
    for (let k = 0; k < depth; k += 1) {
      const weight = weights[row * depth + k];
      const at = places[k];
      for (let i = 0; i < width; i += 1) made[first + i] += weight * values[at + i];
    }
  }
  return made;
}
