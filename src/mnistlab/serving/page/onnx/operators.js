// The ONNX operators that our networks use.

import { NotOnnx, sizeOf, tensor } from "./file.js";
import { gridSample } from "./sampling.js";
import * as shapes from "./shapes.js";
import { averagePool, convolve, maxPool } from "./windows.js";

/** An elementwise operator. It is a loop, because a browser takes many times as long to map an array. */
function each(change) {
  return (_, [{ shape, values }]) => {
    const made = new Float32Array(values.length);
    for (let i = 0; i < made.length; i += 1) made[i] = change(values[i]);
    return tensor(shape, made);
  };
}

/** `mayChange` says that nothing else needs the input, so that its memory can be reused for the output. */
function rectify(_, [{ shape, values }], mayChange) {
  const made = mayChange ? values : new Float32Array(values.length);
  for (let i = 0; i < made.length; i += 1) made[i] = values[i] > 0 ? values[i] : 0;
  return tensor(shape, made);
}

/** A number for each channel, broadcast over the channel's map. */
function eachChannel({ shape, values }, change) {
  const area = sizeOf(shape.slice(2));
  const made = new Float32Array(values.length);
  for (let map = 0; map < values.length / area; map += 1) {
    const channel = map % shape[1];
    for (let i = map * area; i < (map + 1) * area; i += 1) made[i] = change(values[i], channel);
  }
  return tensor(shape, made);
}

/** An operator on two tensors, the smaller of which is broadcast. */
function both(change) {
  return (_, given) =>
    given.slice(1).reduce((one, other) => {
      const shape = shapes.commonShape(one.shape, other.shape);
      const [left, right] = [one, other].map(({ shape: own, values }) =>
        own.join() === shape.join() ? values : shapes.gathered(values, shape, 0, shapes.repeating(own, shape)).values,
      );
      const made = new (left instanceof Float64Array ? Float64Array : Float32Array)(left.length);
      for (let i = 0; i < made.length; i += 1) made[i] = change(left[i], right[i]);
      return tensor(shape, made);
    }, given[0]);
}

const sum = both((one, other) => one + other);

/** A sum, in a simple loop for the most frequent case: two tensors with the same shape. */
function add(node, given) {
  const [one, other] = given;
  if (given.length !== 2 || one.shape.join() !== other.shape.join() || !(one.values instanceof Float32Array)) return sum(node, given);
  const made = new Float32Array(one.values.length);
  for (let i = 0; i < made.length; i += 1) made[i] = one.values[i] + other.values[i];
  return tensor(one.shape, made);
}

function normalise({ told }, [given, gain, offset, mean, variance]) {
  const scale = Float32Array.from(gain.values, (value, i) => value / Math.sqrt(variance.values[i] + (told.epsilon ?? 1e-5)));
  const shift = Float32Array.from(offset.values, (value, i) => value - mean.values[i] * scale[i]);
  return eachChannel(given, (value, channel) => value * scale[channel] + shift[channel]);
}

function weigh({ told }, [given, weights, bias]) {
  if (told.transA) throw new NotOnnx("Gemm with transA");
  const [count, depth] = given.shape;
  const rows = weights.shape[told.transB ? 0 : 1];
  const [down, across] = told.transB ? [depth, 1] : [1, rows];
  const made = new Float32Array(count * rows);
  for (let image = 0; image < count; image += 1) {
    for (let row = 0; row < rows; row += 1) {
      let sum = 0;
      for (let k = 0; k < depth; k += 1) sum += weights.values[row * down + k * across] * given.values[image * depth + k];
      const added = bias ? (told.beta ?? 1) * bias.values[bias.values.length === 1 ? 0 : row] : 0;
      made[image * rows + row] = (told.alpha ?? 1) * sum + added;
    }
  }
  return tensor([count, rows], made);
}

/** Softmax along the last axis, or its logarithm. */
function softmax({ kind, told }, [given]) {
  const { shape, values } = given;
  const side = shape.at(-1);
  if (shapes.axisOf(told.axis ?? -1, shape) !== shape.length - 1) throw new NotOnnx(`${kind} along another axis than the last`);
  const made = new Float32Array(values.length);
  for (let first = 0; first < values.length; first += side) {
    let most = -Infinity;
    for (let i = first; i < first + side; i += 1) most = Math.max(most, values[i]);
    let sum = 0;
    for (let i = first; i < first + side; i += 1) sum += Math.exp(values[i] - most);
    for (let i = first; i < first + side; i += 1)
      made[i] = kind === "Softmax" ? Math.exp(values[i] - most) / sum : values[i] - most - Math.log(sum);
  }
  return tensor(shape, made);
}

function logSumExp(node, given) {
  const most = Math.max(...given[0].values);
  return shapes.reduce(node, given, 0, (sum, value) => sum + Math.exp(value - most), (sum) => Math.log(sum) + most);
}

function clip(_, [given, low, high]) {
  const [least, most] = [low ? low.values[0] : -Infinity, high ? high.values[0] : Infinity];
  return each((value) => Math.min(most, Math.max(least, value)))(_, [given]);
}

function cast({ told }, [given]) {
  const Kind = { 1: Float32Array, 6: Int32Array, 7: Float64Array }[told.to];
  if (!Kind) throw new NotOnnx(`Cast to the ONNX type ${told.to}`);
  return tensor(given.shape, Kind.from(given.values));
}

function shapeOf({ told }, [given]) {
  const part = given.shape.slice(told.start ?? 0, told.end ?? given.shape.length);
  return tensor([part.length], Float64Array.from(part));
}

/** Rounds half to even, as ONNX does. */
export function rounded(number) {
  const near = Math.round(number);
  return near - number === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

/** The scale and the zero point of each value, which may be given per channel along an axis. */
function scaled({ told }, [given, scale, zero], change) {
  const axis = shapes.axisOf(told.axis ?? 1, given.shape);
  const inner = scale.values.length > 1 ? sizeOf(given.shape.slice(axis + 1)) : given.values.length;
  const made = new Float32Array(given.values.length);
  for (let i = 0; i < made.length; i += 1) {
    const number = Math.floor(i / inner) % scale.values.length;
    made[i] = change(given.values[i], scale.values[number], zero ? zero.values[number] : 0);
  }
  return tensor(given.shape, made);
}

function quantise(node, given) {
  const isSigned = given[2]?.values instanceof Int8Array;
  const [low, high] = isSigned ? [-128, 127] : [0, 255];
  const limited = (value, scale, zero) => Math.min(high, Math.max(low, rounded(Math.fround(value / scale)) + zero));
  return scaled(node, given, limited);
}

const average = (node, given) => shapes.reduce(node, given, 0, (sum, value) => sum + value, (sum, count) => sum / count);

/** The operators by name: (node, inputs, whether the first input's memory may be reused) to the only output. */
export const OPERATORS = {
  Add: add,
  AveragePool: averagePool,
  BatchNormalization: normalise,
  Cast: cast,
  Clip: clip,
  Concat: shapes.concat,
  Conv: convolve,
  DepthToSpace: shapes.depthToSpace,
  DequantizeLinear: (node, given) => scaled(node, given, (value, scale, zero) => (value - zero) * scale),
  Div: both((one, other) => one / other),
  Expand: shapes.expand,
  Flatten: shapes.flatten,
  Gather: shapes.gather,
  Gemm: weigh,
  GlobalAveragePool: (node, [given]) => average({ ...node, told: { axes: [2, 3] } }, [given]),
  GridSample: gridSample,
  Identity: (_, [given]) => given,
  LogSoftmax: softmax,
  Max: both(Math.max),
  MaxPool: maxPool,
  Min: both(Math.min),
  Mul: both((one, other) => one * other),
  Pad: shapes.pad,
  QuantizeLinear: quantise,
  ReduceLogSumExp: logSumExp,
  ReduceMax: (node, given) => shapes.reduce(node, given, -Infinity, Math.max),
  ReduceMean: average,
  ReduceMin: (node, given) => shapes.reduce(node, given, Infinity, Math.min),
  ReduceSum: (node, given) => shapes.reduce(node, given, 0, (sum, value) => sum + value),
  Relu: rectify,
  Reshape: shapes.reshape,
  Shape: shapeOf,
  Sigmoid: each((value) => 1 / (1 + Math.exp(-value))),
  Slice: shapes.slice,
  Softmax: softmax,
  Sqrt: each(Math.sqrt),
  Squeeze: shapes.squeeze,
  Sub: both((one, other) => one - other),
  Unsqueeze: shapes.unsqueeze,
};
