// The operators that move values without changing them, and those that make one value of several.

import { NotOnnx, sizeOf, tensor } from "./file.js";

export const axisOf = (axis, shape) => (axis < 0 ? axis + shape.length : axis);

/** How far apart neighbours along each axis are in the array of values. */
export function stepsOf(shape) {
  const steps = new Array(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis -= 1) steps[axis] = steps[axis + 1] * shape[axis + 1];
  return steps;
}

/** A tensor of `shape` from `values`: its first value is at `start`, and neighbours along each axis are `steps` apart. */
export function gathered(values, shape, start, steps) {
  const made = new values.constructor(sizeOf(shape));
  const place = new Array(shape.length).fill(0);
  const last = shape.length - 1;
  let at = start;
  for (let i = 0; i < made.length; i += 1) {
    made[i] = values[at];
    for (let axis = last; axis >= 0; axis -= 1) {
      at += steps[axis];
      if (++place[axis] < shape[axis]) break;
      at -= shape[axis] * steps[axis];
      place[axis] = 0;
    }
  }
  return tensor(shape, made);
}

/** The shape that two tensors have after broadcasting. */
export function commonShape(one, other) {
  const length = Math.max(one.length, other.length);
  return Array.from({ length }, (_, i) => {
    const [a, b] = [one, other].map((shape) => shape[i - length + shape.length] ?? 1);
    if (a !== b && a !== 1 && b !== 1) throw new NotOnnx(`shapes that do not fit: ${one.join("x")} and ${other.join("x")}`);
    return a === 1 ? b : a;
  });
}

/** Steps through a tensor as if it had been broadcast to `shape`. */
export function repeating(own, shape) {
  const steps = stepsOf(own);
  return shape.map((_, i) => {
    const axis = i - shape.length + own.length;
    return axis >= 0 && own[axis] > 1 ? steps[axis] : 0;
  });
}

export function expand(_, [given, wanted]) {
  const shape = commonShape(given.shape, Array.from(wanted.values));
  return gathered(given.values, shape, 0, repeating(given.shape, shape));
}

export function reshape({ told }, [given, wanted]) {
  const shape = Array.from(wanted.values, (side, i) => (side === 0 && !told.allowzero ? given.shape[i] : side));
  const open = shape.indexOf(-1);
  if (open >= 0) shape[open] = given.values.length / -sizeOf(shape);
  return tensor(shape, given.values);
}

export function flatten({ told }, [given]) {
  const axis = axisOf(told.axis ?? 1, given.shape);
  const rows = sizeOf(given.shape.slice(0, axis));
  return tensor([rows, given.values.length / rows], given.values);
}

export function squeeze(_, [given, axes]) {
  const gone = axes && Array.from(axes.values, (axis) => axisOf(axis, given.shape));
  return tensor(given.shape.filter((side, axis) => (gone ? !gone.includes(axis) : side !== 1)), given.values);
}

export function unsqueeze(_, [given, axes]) {
  const length = given.shape.length + axes.values.length;
  const added = Array.from(axes.values, (axis) => (axis < 0 ? axis + length : axis));
  const sides = [...given.shape];
  return tensor(Array.from({ length }, (_, axis) => (added.includes(axis) ? 1 : sides.shift())), given.values);
}

export function concat({ told }, given) {
  const axis = axisOf(told.axis, given[0].shape);
  const shape = [...given[0].shape];
  shape[axis] = given.reduce((sum, one) => sum + one.shape[axis], 0);
  const made = new given[0].values.constructor(sizeOf(shape));
  let at = 0;
  for (let outer = 0; outer < sizeOf(shape.slice(0, axis)); outer += 1) {
    for (const { shape: own, values } of given) {
      const size = sizeOf(own.slice(axis));
      made.set(values.subarray(outer * size, (outer + 1) * size), at);
      at += size;
    }
  }
  return tensor(shape, made);
}

export function slice(_, [given, starts, ends, axes, strides]) {
  const shape = [...given.shape];
  const steps = stepsOf(given.shape);
  let start = 0;
  starts.values.forEach((first, i) => {
    const axis = axisOf(axes ? axes.values[i] : i, shape);
    const side = given.shape[axis];
    const stride = strides ? strides.values[i] : 1;
    if (stride < 1) throw new NotOnnx("Slice from the end");
    const within = (place) => Math.min(side, Math.max(0, place < 0 ? place + side : place));
    shape[axis] = Math.max(0, Math.ceil((within(ends.values[i]) - within(first)) / stride));
    start += within(first) * steps[axis];
    steps[axis] *= stride;
  });
  return gathered(given.values, shape, start, steps);
}

export function gather({ told }, [given, numbers]) {
  const axis = axisOf(told.axis ?? 0, given.shape);
  const [before, after] = [given.shape.slice(0, axis), given.shape.slice(axis + 1)];
  const inner = sizeOf(after);
  const made = new given.values.constructor(sizeOf(before) * numbers.values.length * inner);
  let at = 0;
  for (let outer = 0; outer < sizeOf(before); outer += 1) {
    for (const number of numbers.values) {
      const first = (outer * given.shape[axis] + (number < 0 ? number + given.shape[axis] : number)) * inner;
      made.set(given.values.subarray(first, first + inner), at);
      at += inner;
    }
  }
  return tensor([...before, ...numbers.shape, ...after], made);
}

export function pad({ told }, [given, pads, filling]) {
  const { shape } = given;
  const mode = told.mode ?? "constant";
  if (mode !== "edge" && mode !== "constant") throw new NotOnnx(`Pad with the mode ${mode}`);
  const before = Array.from(pads.values.slice(0, shape.length));
  const wanted = shape.map((side, axis) => side + before[axis] + pads.values[shape.length + axis]);
  const steps = stepsOf(shape);
  const made = new given.values.constructor(sizeOf(wanted));
  const fill = filling ? filling.values[0] : 0;
  const wider = stepsOf(wanted);
  for (let i = 0; i < made.length; i += 1) {
    let at = 0;
    let isInside = true;
    for (let axis = 0; axis < shape.length; axis += 1) {
      const place = (Math.floor(i / wider[axis]) % wanted[axis]) - before[axis];
      const held = Math.min(shape[axis] - 1, Math.max(0, place));
      isInside &&= held === place;
      at += held * steps[axis];
    }
    made[i] = isInside || mode === "edge" ? given.values[at] : fill;
  }
  return tensor(wanted, made);
}

/** DepthToSpace: the channels of a block as its pixels. */
export function depthToSpace({ told }, [given]) {
  const block = told.blocksize;
  const [count, channels, height, width] = given.shape;
  const maps = channels / block ** 2;
  const isByColumn = told.mode === "CRD";
  const made = new Float32Array(given.values.length);
  let at = 0;
  for (let image = 0; image < count; image += 1) {
    for (let map = 0; map < maps; map += 1) {
      for (let row = 0; row < height * block; row += 1) {
        for (let column = 0; column < width * block; column += 1) {
          const cell = (row % block) * block + (column % block);
          const channel = isByColumn ? map * block ** 2 + cell : cell * maps + map;
          const source = (image * channels + channel) * height + Math.floor(row / block);
          made[at++] = given.values[source * width + Math.floor(column / block)];
        }
      }
    }
  }
  return tensor([count, maps, height * block, width * block], made);
}

/** A reduction over some axes: values are put together by `combine`; `finish` takes the result and how many values there were. */
export function reduce({ told }, [given, axes], begin, combine, finish = (sum) => sum) {
  const listed = axes ? Array.from(axes.values) : (told.axes ?? given.shape.map((_, axis) => axis));
  const gone = new Set(listed.map((axis) => axisOf(axis, given.shape)));
  const full = given.shape.map((side, axis) => (gone.has(axis) ? 1 : side));
  const steps = stepsOf(full).map((step, axis) => (gone.has(axis) ? 0 : step));
  const sums = new Float64Array(sizeOf(full)).fill(begin);
  const where = gathered(Int32Array.from(sums, (_, i) => i), given.shape, 0, steps).values;
  for (let i = 0; i < where.length; i += 1) sums[where[i]] = combine(sums[where[i]], given.values[i]);
  const count = given.values.length / sums.length;
  const shape = (told.keepdims ?? 1) ? full : given.shape.filter((_, axis) => !gone.has(axis));
  return tensor(shape, Float32Array.from(sums, (sum) => finish(sum, count)));
}
