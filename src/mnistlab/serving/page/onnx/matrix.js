// Matrix products in WebAssembly with its vectors of four numbers, written here byte by byte; plain JavaScript if a
// browser refuses that.
//
// A product's columns need not be copied: each row of them begins at its own place among the values, so that a window's cell
// is the picture itself, shifted. The function takes rows of weights in groups of ROWS, each group's numbers interleaved, and
// columns in groups of COLUMNS.

export const ROWS = 4;
export const COLUMNS = 8;
const PAGE = 65536;

const I32 = 0x7f;
const V128 = 0x7b;
const [LOCAL_GET, LOCAL_SET, LOCAL_TEE, I32_CONST, ADD, SUB, MUL] = [0x20, 0x21, 0x22, 0x41, 0x6a, 0x6b, 0x6c];
const [BLOCK_LOOP, BRANCH_IF, END, VOID, LOAD_I32] = [0x03, 0x0d, 0x0b, 0x40, 0x28];

function unsigned(number) {
  const bytes = [];
  for (let left = number; ; left >>>= 7) {
    if (left < 128) return [...bytes, left];
    bytes.push((left & 127) | 128);
  }
}

function constant(number) {
  const bytes = [I32_CONST];
  for (let left = number; ; left >>= 7) {
    const last = (left === 0 && (number & 64) === 0) || (left >> 7 === left >> 31 && (left & 64) === ((left >> 31) & 64));
    bytes.push(last ? left & 127 : (left & 127) | 128);
    if (last) return bytes;
  }
}

const vector = (code) => [0xfd, ...unsigned(code)];
const memoryAt = (code, offset) => [...vector(code), 2, ...unsigned(offset)];
const [LOAD, LOAD_SPLAT, STORE, TIMES, PLUS, TIMES_PLUS] = [0x00, 0x09, 0x0b, 0xe6, 0xe4, 0x105];

const section = (id, content) => [id, ...unsigned(content.length), ...content];
const list = (items) => [...unsigned(items.length), ...items.flat()];
const named = (text) => list([...text].map((letter) => [letter.charCodeAt(0)]));

/**
 * tile(weights, values, made, depth, across, places): the product of ROWS rows and COLUMNS columns, added to what is in `made`.
 * weights: depth groups of ROWS numbers; places: where each row of columns begins behind `values`; made: rows of `across` bytes.
 */
function tileBody(isFused) {
  const [weights, values, made, depth, across, places, row] = [0, 1, 2, 3, 4, 5, 6];
  const sum = (number, half) => 7 + 2 * number + half;
  const [left, right, splat] = [15, 16, 17];
  const get = (local) => [LOCAL_GET, local];
  const rows = Array.from({ length: ROWS }, (_, number) => number);
  const place = (number) => [...get(made), ...constant(number), ...get(across), MUL, ADD];
  const begin = rows.flatMap((n) => [0, 1].flatMap((half) => [...place(n), ...memoryAt(LOAD, 16 * half), LOCAL_SET, sum(n, half)]));
  const step = [
    ...get(values), ...get(places), LOAD_I32, 2, 0, ADD, LOCAL_TEE, row, ...memoryAt(LOAD, 0), LOCAL_SET, left,
    ...get(row), ...memoryAt(LOAD, 16), LOCAL_SET, right,
    ...rows.flatMap((n) => [
      ...get(weights), ...memoryAt(LOAD_SPLAT, 4 * n), LOCAL_SET, splat,
      ...[left, right].flatMap((half, i) => {
        const product = isFused
          ? [...get(splat), ...get(half), ...get(sum(n, i)), ...vector(TIMES_PLUS)]
          : [...get(sum(n, i)), ...get(splat), ...get(half), ...vector(TIMES), ...vector(PLUS)];
        return [...product, LOCAL_SET, sum(n, i)];
      }),
    ]),
    ...get(weights), ...constant(4 * ROWS), ADD, LOCAL_SET, weights,
    ...get(places), ...constant(4), ADD, LOCAL_SET, places,
    ...get(depth), ...constant(1), SUB, LOCAL_TEE, depth,
  ];
  const finish = rows.flatMap((n) => [0, 1].flatMap((half) => [...place(n), ...get(sum(n, half)), ...memoryAt(STORE, 16 * half)]));
  return [...list([[1, I32], [11, V128]]), ...begin, BLOCK_LOOP, VOID, ...step, BRANCH_IF, 0, END, ...finish, END];
}

function moduleBytes(isFused) {
  const body = tileBody(isFused);
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, list([[0x60, ...list(Array(6).fill([I32])), 0]])),
    ...section(2, list([[...named("m"), ...named("m"), 2, 0, 1]])),
    ...section(3, list([[0]])),
    ...section(7, list([[...named("tile"), 0, 0]])),
    ...section(10, list([[...unsigned(body.length), ...body]])),
  ]);
}

/**
 * The memory in which the products are computed, and the function, which multiplies and adds in one step if the browser can; null
 * where the browser refuses WebAssembly or its vectors.
 */
function start() {
  for (const isFused of [true, false]) {
    try {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(isFused)), { m: { m: memory } });
      return { memory, tile: exports.tile };
    } catch {
      // the next, or none
    }
  }
  return null;
}

const engine = start();
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

/** Numbers in a row for `count` columns, rounded up to whole tiles. */
export const widthFor = (count) => Math.ceil(count / COLUMNS) * COLUMNS;

/** Room for that many values, for a product of `rows` rows, `depth` deep and `width` wide; valid until the next call. */
export function roomFor(count, rows, depth, width) {
  if (!engine) return new Float32Array(count + COLUMNS);
  const groups = Math.ceil(rows / ROWS) * ROWS;
  const bytes = 4 * (count + 2 * COLUMNS + groups * width + groups * depth + depth);
  const missing = bytes - engine.memory.buffer.byteLength;
  if (missing > 0) engine.memory.grow(Math.ceil(missing / PAGE));
  return new Float32Array(engine.memory.buffer, 0, count + COLUMNS);
}

/**
 * Weights (from `packed`) times columns, plus a bias for each row or null: rows x width. Row k of the columns is what is in
 * `values` (from `roomFor`) from places[k] (Int32Array) on.
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
