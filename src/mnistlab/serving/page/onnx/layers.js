// The layers of an ONNX graph and the looks that make up its answer, as in mnistlab.reading.onnx_graph, onnx_numbers and
// onnx_looks.

import { windowOf } from "./windows.js";

/** The ONNX operators that count as layers, and what they are called here. */
const KINDS = {
  Conv: "convolution",
  MaxPool: "pooling",
  BatchNormalization: "normalisation",
  Relu: "relu",
  ReduceMean: "average",
  GlobalAveragePool: "average",
  Reshape: "flatten",
  Flatten: "flatten",
  Squeeze: "flatten",
  Gemm: "linear",
};
/** Operators that a layer's values pass through, little changed, on their way to the next layer. */
const PASSED = ["QuantizeLinear", "DequantizeLinear", "Identity", "Cast"];

const makersOf = ({ nodes }) => new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
const array = (shape, values) => ({ shape, values });

/** The numbers with which a layer computes: filters, weights, bias, scale, shift; {} if the graph does not hold them all. */
function numbersOf({ kind, told, inputs }, constants) {
  const given = inputs.slice(1).map((name) => constants.get(name));
  if (given.includes(undefined) || given.length === 0) return {};
  if (kind === "Conv") return { filters: given[0], bias: given[1] ?? array([given[0].shape[0]], new Float32Array(given[0].shape[0])) };
  if (kind === "Gemm" && !told.transA) return linear(told, given);
  if (kind === "BatchNormalization" && given.length === 4) {
    const [gain, offset, mean, variance] = given.map(({ values }) => values);
    const exact = Array.from(gain, (value, i) => value / Math.sqrt(variance[i] + (told.epsilon ?? 1e-5)));
    const shift = Float32Array.from(offset, (value, i) => value - mean[i] * exact[i]);
    return { scale: array([gain.length], Float32Array.from(exact)), shift: array([gain.length], shift) };
  }
  return {};
}

function linear(told, [weights, bias]) {
  const [rows, depth] = told.transB ? weights.shape : [...weights.shape].reverse();
  const [down, across] = told.transB ? [depth, 1] : [1, rows];
  const made = new Float32Array(rows * depth);
  for (let i = 0; i < made.length; i += 1)
    made[i] = (told.alpha ?? 1) * weights.values[Math.floor(i / depth) * down + (i % depth) * across];
  const added = (i) => (bias ? (told.beta ?? 1) * bias.values[bias.values.length === 1 ? 0 : i] : 0);
  return { weights: array([rows, depth], made), bias: array([rows], Float32Array.from({ length: rows }, (_, i) => added(i))) };
}

/** The window of a layer; null if it is not 2-D or its padding is not stated. */
function shownWindow(node, filters) {
  try {
    return windowOf(node, filters?.shape);
  } catch {
    return null;
  }
}

/** The receptive field after a convolution or pooling with this window; null for windows that our networks do not have. */
function fieldAfter(field, window) {
  const isEven = (sides) => new Set(sides).size === 1;
  if (!window || !window.dilations.every((one) => one === 1)) return null;
  if (!isEven(window.kernel) || !isEven(window.strides) || !isEven(window.pads)) return null;
  const [kernel, stride, padding] = [window.kernel[0], window.strides[0], window.pads[0]];
  return { size: field.size + (kernel - 1) * field.step, step: field.step * stride, start: field.start - padding * field.step };
}

/** The node that takes a layer's output (null unless exactly one does), the tensor that it takes, and the rounding step. */
function passedOn({ nodes }, output, constants) {
  let rounding = null;
  for (;;) {
    const takers = nodes.filter(({ inputs }) => inputs.includes(output));
    const taker = takers.length === 1 ? takers[0] : null;
    if (!taker || !PASSED.includes(taker.kind)) return { taker, output, rounding };
    if (taker.kind === "QuantizeLinear") {
      const scale = constants.get(taker.inputs[1]);
      rounding = scale ? Math.max(...scale.values) : null;
    }
    [output] = taker.outputs;
  }
}

/** Whether an operator of this type comes before the first convolution. */
export function isPrepared(graph, operator) {
  const makers = makersOf(graph);
  const waiting = [...(graph.nodes.find(({ kind }) => kind === "Conv")?.inputs ?? [])];
  const seen = new Set();
  while (waiting.length) {
    const name = waiting.shift();
    const maker = makers.get(name);
    if (!maker || seen.has(name)) continue;
    if (maker.kind === operator) return true;
    seen.add(name);
    waiting.push(...maker.inputs);
  }
  return false;
}

/** The layers from the first convolution on while each feeds exactly one other: {name, kind, source, output, field, ...}. */
export function stepsOf(graph, constants) {
  const isWhole = isPrepared(graph, "GridSample") || isPrepared(graph, "AveragePool");
  let field = isWhole ? null : { size: 1, step: 1, start: 0 };
  let node = graph.nodes.find(({ kind }) => kind === "Conv");
  const counts = {};
  const steps = [];
  while (node) {
    const kind = KINDS[node.kind];
    counts[kind] = (counts[kind] ?? 0) + 1;
    const numbers = numbersOf(node, constants);
    const isWindow = kind === "convolution" || kind === "pooling";
    const window = isWindow ? shownWindow(node, numbers.filters) : null;
    if (field && isWindow) field = fieldAfter(field, window);
    else if (["average", "flatten", "linear"].includes(kind)) field = null;
    const { taker, output, rounding } = passedOn(graph, node.outputs[0], constants);
    const named = node.inputs.slice(1).find((name) => name.split(".").length > 2);
    const name = named?.split(".").at(-2) || kind + counts[kind];
    steps.push({ name, kind, source: node.inputs[0], output, field, window, numbers, rounding });
    node = taker && Object.hasOwn(KINDS, taker.kind) ? taker : null;
  }
  return steps;
}

/** The looks whose mean probabilities are the answer: [{logits, weight}]; empty if the answer is computed in another way. */
export function looksOf(graph) {
  const makers = makersOf(graph);
  const softmax = makers.get(graph.outputs[0].name);
  if (softmax?.kind !== "Softmax") return [];
  let [logits] = softmax.inputs;
  if (makers.get(logits)?.kind === "Div") [logits] = makers.get(logits).inputs; // by the temperature
  return partsOf(logits, 1, makers);
}

function partsOf(logits, weight, makers) {
  let node = makers.get(logits);
  for (const kind of ["Sub", "ReduceLogSumExp", "Concat"]) {
    if (node?.kind !== kind) return [{ logits, weight }];
    if (kind !== "Concat") node = makers.get(node.inputs[0]);
  }
  return node.inputs.flatMap((stacked) => {
    let name = stacked;
    while (["Unsqueeze", "LogSoftmax"].includes(makers.get(name)?.kind)) [name] = makers.get(name).inputs;
    return partsOf(name, weight / node.inputs.length, makers);
  });
}
