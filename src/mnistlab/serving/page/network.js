// A network as layers and numbers, computed here: a few million products, in a few milliseconds.
//
// The layers are those that mnistlab.training.whole describes; the values of each are in the order channel, row, column.

import { evenedOut } from "./contrast.js";
import { deskewed } from "./deskew.js";

/** How many numbers of each kind a layer takes from a state: weights, rows of them, biases and so on. */
function needs({ kind, shape, size, bias }) {
  if (kind === "normalisation") return { weights: 0, rows: 0, numbers: 2 * size };
  if (kind !== "convolution" && kind !== "linear") return { weights: 0, rows: 0, numbers: 0 };
  return { weights: shape.reduce((product, side) => product * side), rows: shape[0], numbers: bias ? shape[0] : 0 };
}

const KINDS = {
  picture: (layer, { values, shape }) => {
    const pixels = layer.deskew ? deskewed(values) : values;
    return { shape, values: pixels.map((pixel) => (pixel / 255 - layer.mean) / layer.std) };
  },
  contrast: evenedOut,
  convolution: convolve,
  pooling: pool,
  normalisation: ({ factors, summands }, { values, shape }) => ({
    shape,
    values: eachChannel(values, shape[0], (value, channel) => value * factors[channel] + summands[channel]),
  }),
  relu: (_, { values, shape }) => ({ shape, values: values.map((value) => Math.max(0, value)) }),
  average: (_, { values, shape: [channels, height, width] }) => {
    const means = new Float32Array(channels);
    for (let i = 0; i < values.length; i += 1) means[Math.floor(i / (height * width))] += values[i] / (height * width);
    return { shape: [channels, 1, 1], values: means };
  },
  flatten: (_, { values }) => ({ shape: [values.length], values }),
  linear: weigh,
};

function eachChannel(values, channels, change) {
  const area = values.length / channels;
  const changed = new Float32Array(values.length);
  for (let i = 0; i < values.length; i += 1) changed[i] = change(values[i], Math.floor(i / area));
  return changed;
}

/** Each weight's products are added to the whole map at once, row by row, which is fastest in a browser. */
function convolve({ shape, stride, padding, groups, weights, biases }, { values, shape: [channels, height, width] }) {
  const [count, inputs, tall, wide] = shape;
  const rows = Math.floor((height + 2 * padding - tall) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - wide) / stride) + 1;
  const made = new Float32Array(count * rows * columns);
  for (let map = 0; map < count; map += 1) {
    const first = map * rows * columns;
    if (biases) made.fill(biases[map], first, first + rows * columns);
    const group = Math.floor((map * groups) / count) * inputs;
    for (let at = 0; at < inputs * tall * wide; at += 1) {
      const weight = weights[map * inputs * tall * wide + at];
      const across = (at % wide) - padding;
      const down = (Math.floor(at / wide) % tall) - padding;
      const source = (group + Math.floor(at / (wide * tall))) * height * width;
      const [top, bottom] = inside(down, stride, height, rows);
      const [left, right] = inside(across, stride, width, columns);
      for (let row = top; row < bottom; row += 1) {
        const from = source + (row * stride + down) * width + across;
        const to = first + row * columns;
        for (let column = left; column < right; column += 1) made[to + column] += weight * values[from + column * stride];
      }
    }
  }
  return { shape: [count, rows, columns], values: made };
}

/** The first and the last place (exclusive), out of `places`, where a weight at distance `away` sees one of the `side` values. */
function inside(away, stride, side, places) {
  return [Math.max(0, Math.ceil(-away / stride)), Math.min(places, Math.floor((side - 1 - away) / stride) + 1)];
}

function pool({ size }, { values, shape: [channels, height, width] }) {
  const rows = Math.floor(height / size);
  const columns = Math.floor(width / size);
  const made = new Float32Array(channels * rows * columns).fill(-Infinity);
  for (let map = 0; map < channels; map += 1) {
    for (let row = 0; row < rows * size; row += 1) {
      const to = (map * rows + Math.floor(row / size)) * columns;
      const from = (map * height + row) * width;
      for (let column = 0; column < columns * size; column += 1) {
        const place = to + Math.floor(column / size);
        made[place] = Math.max(made[place], values[from + column]);
      }
    }
  }
  return { shape: [channels, rows, columns], values: made };
}

function weigh({ shape: [count, inputs], weights, biases }, { values }) {
  const sums = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    let sum = biases ? biases[i] : 0;
    for (let j = 0; j < inputs; j += 1) sum += weights[i * inputs + j] * values[j];
    sums[i] = sum;
  }
  return { shape: [count], values: sums };
}

/** One state of a network, which computes its answer to a picture. */
export class Network {
  /** `layers` as mnistlab.training.whole describes them; a state's values, scales and vectors (typed arrays). */
  constructor(layers, values, scales, vectors) {
    const at = { weights: 0, rows: 0, numbers: 0 };
    this.layers = layers.map((layer) => {
      const needed = needs(layer);
      const own = { ...layer };
      if (layer.shape) {
        const length = needed.weights / needed.rows;
        const scale = (i) => scales[at.rows + Math.floor(i / length)];
        own.weights = Float32Array.from({ length: needed.weights }, (_, i) => values[at.weights + i] * scale(i));
        if (layer.bias) own.biases = vectors.subarray(at.numbers, at.numbers + needed.numbers);
      } else if (layer.kind === "normalisation") {
        own.factors = vectors.subarray(at.numbers, at.numbers + layer.size);
        own.summands = vectors.subarray(at.numbers + layer.size, at.numbers + 2 * layer.size);
      }
      for (const name of Object.keys(at)) at[name] += needed[name];
      return own;
    });
  }

  /** The output of each layer for pixels (784 of 0 to 255): [{layer, shape, values}]; the last are the logits. */
  look(pixels) {
    let now = { shape: [1, 28, 28], values: Float32Array.from(pixels) };
    return this.layers.map((layer) => {
      now = KINDS[layer.kind](layer, now);
      return { layer, ...now };
    });
  }
}

/** The states of a film that were kept whole, by step; throws if its numbers do not fit its layers. */
export function networksOf({ layers, whole, values, scales, vectors }) {
  const total = { weights: 0, rows: 0, numbers: 0 };
  for (const layer of layers) {
    if (!(layer.kind in KINDS)) throw new RangeError(`a layer of kind ${layer.kind}`);
    for (const [name, count] of Object.entries(needs(layer))) total[name] += count;
  }
  const count = whole.length;
  if (values.length !== count * total.weights || scales.length !== count * total.rows || vectors.length !== count * total.numbers)
    throw new RangeError("the numbers do not fit the layers");
  const part = (array, index, size) => array.subarray(index * size, (index + 1) * size);
  return whole.map(
    (_, index) =>
      new Network(
        layers,
        part(values, index, total.weights),
        part(scales, index, total.rows),
        part(vectors, index, total.numbers),
      ),
  );
}
