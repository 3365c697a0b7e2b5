// WebAssembly with vector instructions, written byte by byte, for matrix products and for the larger or smaller of two bytes.

/** How many rows and columns of a product are computed at once. */
export const ROWS = 4;
export const COLUMNS = 8;
const PARTS = COLUMNS / 4;
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
const [SMALLER_BYTES, LARGER_BYTES] = [0x77, 0x79];

const section = (id, content) => [id, ...unsigned(content.length), ...content];
const list = (items) => [...unsigned(items.length), ...items.flat()];
const named = (text) => list([...text].map((letter) => [letter.charCodeAt(0)]));

/**
 * tile(weights, values, made, depth, across, places): adds the product of ROWS rows and COLUMNS columns to `made`.
 * weights: depth groups of ROWS numbers; places: where each row of columns begins after `values`; made: rows of `across` bytes.
 */
function tileBody(isFused) {
  const [weights, values, made, depth, across, places, row] = [0, 1, 2, 3, 4, 5, 6];
  const sum = (number, part) => 7 + PARTS * number + part;
  const column = (part) => 7 + PARTS * ROWS + part;
  const splat = 7 + PARTS * ROWS + PARTS;
  const get = (local) => [LOCAL_GET, local];
  const rows = Array.from({ length: ROWS }, (_, number) => number);
  const parts = Array.from({ length: PARTS }, (_, number) => number);
  const place = (number) => [...get(made), ...constant(number), ...get(across), MUL, ADD];
  const begin = rows.flatMap((n) => parts.flatMap((part) => [...place(n), ...memoryAt(LOAD, 16 * part), LOCAL_SET, sum(n, part)]));
  const step = [
    ...get(values), ...get(places), LOAD_I32, 2, 0, ADD, LOCAL_SET, row,
    ...parts.flatMap((part) => [...get(row), ...memoryAt(LOAD, 16 * part), LOCAL_SET, column(part)]),
    ...rows.flatMap((n) => [
      ...get(weights), ...memoryAt(LOAD_SPLAT, 4 * n), LOCAL_SET, splat,
      ...parts.flatMap((part) => {
        const product = isFused
          ? [...get(splat), ...get(column(part)), ...get(sum(n, part)), ...vector(TIMES_PLUS)]
          : [...get(sum(n, part)), ...get(splat), ...get(column(part)), ...vector(TIMES), ...vector(PLUS)];
        return [...product, LOCAL_SET, sum(n, part)];
      }),
    ]),
    ...get(weights), ...constant(4 * ROWS), ADD, LOCAL_SET, weights,
    ...get(places), ...constant(4), ADD, LOCAL_SET, places,
    ...get(depth), ...constant(1), SUB, LOCAL_TEE, depth,
  ];
  const finish = rows.flatMap((n) => parts.flatMap((part) => [...place(n), ...get(sum(n, part)), ...memoryAt(STORE, 16 * part)]));
  return [...list([[1, I32], [PARTS * ROWS + PARTS + 1, V128]]), ...begin, BLOCK_LOOP, VOID, ...step, BRANCH_IF, 0, END, ...finish, END];
}

/** larger(at, away, count): makes each of `count` (a multiple of 16) bytes the larger of itself and the byte `away` after it. */
function extremeBody(operation) {
  const [at, away, count] = [0, 1, 2];
  const get = (local) => [LOCAL_GET, local];
  const step = [
    ...get(at), ...get(at), ...memoryAt(LOAD, 0), ...get(at), ...get(away), ADD, ...memoryAt(LOAD, 0), ...vector(operation),
    ...memoryAt(STORE, 0),
    ...get(at), ...constant(16), ADD, LOCAL_SET, at,
    ...get(count), ...constant(16), SUB, LOCAL_TEE, count,
  ];
  return [...list([]), BLOCK_LOOP, VOID, ...step, BRANCH_IF, 0, END, END];
}

function moduleBytes(isFused) {
  const bodies = [tileBody(isFused), extremeBody(LARGER_BYTES), extremeBody(SMALLER_BYTES)];
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, list([6, 3].map((count) => [0x60, ...list(Array(count).fill([I32])), 0]))),
    ...section(2, list([[...named("m"), ...named("m"), 2, 0, 1]])),
    ...section(3, list([[0], [1], [1]])),
    ...section(7, list(["tile", "larger", "smaller"].map((name, number) => [...named(name), 0, number]))),
    ...section(10, list(bodies.map((body) => [...unsigned(body.length), ...body]))),
  ]);
}

/**
 * The engine's memory and functions; `tile` uses fused multiply-add if the browser has it. Null if the browser refuses
 * WebAssembly or its vector instructions.
 */
function start() {
  for (const isFused of [true, false]) {
    try {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes(isFused)), { m: { m: memory } });
      return { memory, ...exports };
    } catch {
      // try the next one, if any
    }
  }
  return null;
}

export const engine = start();

/** That many bytes at the start of the engine's memory; valid until the next call. */
export function bytesOf(count) {
  const missing = count - engine.memory.buffer.byteLength;
  if (missing > 0) engine.memory.grow(Math.ceil(missing / PAGE));
  return new Uint8Array(engine.memory.buffer, 0, count);
}
