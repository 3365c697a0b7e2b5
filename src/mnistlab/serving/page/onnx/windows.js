// The operators that slide a window over maps: convolutions and poolings.

import { NotOnnx, sizeOf, tensor } from "./file.js";
import { multiply, packed, roomFor, widthFor } from "./matrix.js";

/** A node's window, with ONNX's defaults. */
export function windowOf({ kind, told }, filters) {
  const kernel = told.kernel_shape ?? filters?.slice(2);
  if ((told.auto_pad ?? "NOTSET") !== "NOTSET" || kernel?.length !== 2)
    throw new NotOnnx(`${kind} with a window that is not told in two numbers`);
  return {
    kernel,
    strides: told.strides ?? [1, 1],
    pads: told.pads ?? [0, 0, 0, 0],
    dilations: told.dilations ?? [1, 1],
  };
}

/** How many places a window has along a side. */
function placesOf(side, { kernel, strides, pads, dilations }, axis) {
  const reach = dilations[axis] * (kernel[axis] - 1) + 1;
  return Math.floor((side + pads[axis] + pads[axis + 2] - reach) / strides[axis]) + 1;
}

/** The first place at which a window's cell, `away` from its start, is inside the map, and the end (exclusive) of such places. */
const from = (away, stride) => Math.max(0, Math.ceil(-away / stride));
const until = (away, stride, side, places) => Math.min(places, Math.floor((side - 1 - away) / stride) + 1);

/**
 * Maps (channels, height, wide) as the columns of a product, in the room of `roomFor`: {values, places, width, rowLength}. If the
 * window moves by one cell, the columns are the maps with their padding, where each row of `rowLength` places is followed by
 * a few unused ones. Otherwise each cell of the window has a row with what it sees.
 */
function columnsOf(maps, shape, window, places, rows) {
  const { strides } = window;
  return strides[0] === 1 && strides[1] === 1 ? framed(maps, shape, window, places, rows) : spread(maps, shape, window, places, rows);
}

function framed(maps, [channels, height, wide], { kernel, pads, dilations }, places, rows) {
  const [tall, broad] = [height + pads[0] + pads[2], wide + pads[1] + pads[3]];
  const depth = channels * kernel[0] * kernel[1];
  const width = widthFor(places[0] * broad);
  const values = roomFor(channels * tall * broad + width - places[0] * broad + broad * 2, rows, depth, width).fill(0);
  for (let channel = 0; channel < channels; channel += 1) {
    for (let row = 0; row < height; row += 1) {
      const from = (channel * height + row) * wide;
      values.set(maps.subarray(from, from + wide), (channel * tall + row + pads[0]) * broad + pads[1]);
    }
  }
  const begins = new Int32Array(depth);
  for (let k = 0; k < depth; k += 1) {
    const x = k % kernel[1];
    const y = Math.floor(k / kernel[1]) % kernel[0];
    begins[k] = (Math.floor(k / (kernel[0] * kernel[1])) * tall + y * dilations[0]) * broad + x * dilations[1];
  }
  return { values, places: begins, width, rowLength: broad };
}

function spread(maps, [channels, height, wide], { kernel, strides, pads, dilations }, places, rows) {
  const depth = channels * kernel[0] * kernel[1];
  const width = widthFor(places[0] * places[1]);
  const values = roomFor(depth * width, rows, depth, width).fill(0);
  for (let k = 0; k < depth; k += 1) {
    const channel = Math.floor(k / (kernel[0] * kernel[1]));
    const down = (Math.floor(k / kernel[1]) % kernel[0]) * dilations[0] - pads[0];
    const across = (k % kernel[1]) * dilations[1] - pads[1];
    const [left, right] = [from(across, strides[1]), until(across, strides[1], wide, places[1])];
    for (let row = from(down, strides[0]); row < until(down, strides[0], height, places[0]); row += 1) {
      const source = (channel * height + row * strides[0] + down) * wide + across;
      const to = k * width + row * places[1];
      for (let i = left; i < right; i += 1) values[to + i] = maps[source + i * strides[1]];
    }
  }
  return { values, places: Int32Array.from({ length: depth }, (_, k) => k * width), width, rowLength: places[1] };
}

/** A node's numbers, prepared only once: the weights in the order in which they are multiplied. */
const known = new WeakMap();

function packedGroups(weights, groups, rows, depth) {
  if (!known.has(weights.values)) {
    const each = Array.from({ length: groups }, (_, group) =>
      packed(weights.values.subarray(group * rows * depth, (group + 1) * rows * depth), rows, depth),
    );
    known.set(weights.values, each);
  }
  return known.get(weights.values);
}

export function convolve(node, [images, weights, bias]) {
  const window = windowOf(node, weights.shape);
  const groups = node.told.group ?? 1;
  const [count, channels, height, wide] = images.shape;
  const [maps, inputs, tall, broad] = weights.shape;
  const places = [placesOf(height, window, 0), placesOf(wide, window, 1)];
  const area = places[0] * places[1];
  const made = new Float32Array(count * maps * area);
  if (inputs === 1 && groups === channels && maps === channels) {
    convolveEach(made, images, weights, bias, window, places);
    return tensor([count, maps, ...places], made);
  }
  const rows = maps / groups;
  const each = packedGroups(weights, groups, rows, inputs * tall * broad);
  for (let image = 0; image < count; image += 1) {
    for (let group = 0; group < groups; group += 1) {
      const start = (image * channels + group * inputs) * height * wide;
      const own = images.values.subarray(start, start + inputs * height * wide);
      const columns = columnsOf(own, [inputs, height, wide], window, places, rows);
      const biases = bias ? bias.values.subarray(group * rows, (group + 1) * rows) : null;
      const product = multiply(each[group], columns.values, columns.places, biases, rows, columns.width);
      const to = (image * maps + group * rows) * area;
      for (let line = 0; line < rows * places[0]; line += 1) {
        const row = Math.floor(line / places[0]);
        const at = row * columns.width + (line - row * places[0]) * columns.rowLength;
        made.set(product.subarray(at, at + places[1]), to + line * places[1]);
      }
    }
  }
  return tensor([count, maps, ...places], made);
}

/** A convolution of each channel by itself: each weight's products are added to the whole map at once. */
function convolveEach(made, images, weights, bias, { kernel, strides, pads, dilations }, places) {
  const [count, channels, height, wide] = images.shape;
  const area = places[0] * places[1];
  for (let map = 0; map < count * channels; map += 1) {
    const first = map * area;
    const channel = map % channels;
    if (bias) made.fill(bias.values[channel], first, first + area);
    for (let cell = 0; cell < kernel[0] * kernel[1]; cell += 1) {
      const weight = weights.values[channel * kernel[0] * kernel[1] + cell];
      const down = Math.floor(cell / kernel[1]) * dilations[0] - pads[0];
      const across = (cell % kernel[1]) * dilations[1] - pads[1];
      const [left, right] = [from(across, strides[1]), until(across, strides[1], wide, places[1])];
      for (let row = from(down, strides[0]); row < until(down, strides[0], height, places[0]); row += 1) {
        const source = (map * height + row * strides[0] + down) * wide + across;
        const to = first + row * places[1];
        for (let i = left; i < right; i += 1) made[to + i] += weight * images.values[source + i * strides[1]];
      }
    }
  }
}

/** Pooling: starts with `begin`, takes in each value by combine(result so far, value), and ends with finish(result, how many). */
function pool(node, [images], begin, combine, finish) {
  const window = windowOf(node);
  if (node.told.ceil_mode) throw new NotOnnx(`${node.kind} with ceil_mode`);
  const { kernel, strides, pads, dilations } = { ...window };
  const [height, wide] = images.shape.slice(2);
  const places = [placesOf(height, window, 0), placesOf(wide, window, 1)];
  const shape = [...images.shape.slice(0, 2), ...places];
  const made = new Float32Array(sizeOf(shape));
  let at = 0;
  for (let map = 0; map < shape[0] * shape[1]; map += 1) {
    for (let row = 0; row < places[0]; row += 1) {
      for (let column = 0; column < places[1]; column += 1) {
        let sum = begin;
        let cells = 0;
        for (let y = 0; y < kernel[0]; y += 1) {
          const down = row * strides[0] - pads[0] + y * dilations[0];
          if (down < 0 || down >= height) continue;
          for (let x = 0; x < kernel[1]; x += 1) {
            const across = column * strides[1] - pads[1] + x * dilations[1];
            if (across < 0 || across >= wide) continue;
            sum = combine(sum, images.values[(map * height + down) * wide + across]);
            cells += 1;
          }
        }
        made[at++] = finish(sum, node.told.count_include_pad ? kernel[0] * kernel[1] : cells);
      }
    }
  }
  return tensor(shape, made);
}

export const maxPool = (node, inputs) => pool(node, inputs, -Infinity, (most, value) => (value > most ? value : most), (most) => most);

export const averagePool = (node, inputs) => pool(node, inputs, 0, (sum, value) => sum + value, (sum, cells) => sum / cells);
