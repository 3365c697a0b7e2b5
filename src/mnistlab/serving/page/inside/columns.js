// The overview's columns: one for each step from the picture to the answer, in the graph's order.

import { largest, unpack } from "../colours.js";
import { channelSums, channelsOf, sides } from "./arithmetic.js";

/**
 * An explanation with its arrays unpacked and arranged in columns: {given, arrays, columns} besides the answer of /explain.
 *
 * Column: {kind, name, layers, shape, values, most, order, mixes}. `layers` are the numbers of the layers that it represents, the
 * last of which computed its values: batch norm belongs to the layer that it scales, flatten to the linear layer after it.
 * `order` are its maps, strongest first. `mixes` says that each of its maps is computed from all input maps.
 */
export function sightOf(explanation) {
  const { network, layers } = explanation;
  if (!explanation.given) return { ...explanation, given: null, arrays: [], columns: [] };
  const given = unpack(explanation.given);
  const arrays = layers.slice(0, -1).map((layer) => unpack(layer.array));
  const columns = [{ kind: "input", name: "", layers: [], ...given, mixes: false }];
  let flattened = [];
  arrays.forEach((array, index) => {
    const step = network.layers[index];
    const last = columns.at(-1);
    if (step.kind === "flatten") {
      flattened = [index];
    } else if (step.kind === "normalisation" && columns.length > 1 && flattened.length === 0) {
      last.layers.push(index);
      Object.assign(last, array);
    } else {
      columns.push({ kind: step.kind, name: step.name, layers: [...flattened, index], ...array, mixes: mixes(step, last) });
      flattened = [];
    }
  });
  for (const column of columns) column.most = largest(column.values);
  sortMaps(columns);
  return { ...explanation, given, arrays, columns };
}

/** Whether each map of a step is computed from all input maps rather than from one. */
function mixes({ kind, filters }, before) {
  if (kind === "linear") return true;
  return kind === "convolution" && (before.shape[0] === 1 || filters?.shape[1] !== 1);
}

/** The input array of the layer with this number. */
export const arrayBefore = ({ given, arrays }, number) => (number === 0 ? given : arrays[number - 1]);

export const isRow = ({ shape }) => sides(shape).join() === "1,1";

/** Columns that do not mix maps share the order of the column before, so that a map stays at the same height. */
function sortMaps(columns) {
  const groups = [];
  for (const column of columns) {
    if (column.mixes || groups.length === 0) groups.push([]);
    groups.at(-1).push(column);
  }
  for (const group of groups) {
    const last = group.at(-1);
    const order = isRow(last) ? Array.from({ length: last.shape[0] }, (_, map) => map) : strongestFirst(last);
    for (const column of group) column.order = order;
  }
}

function strongestFirst({ shape, values }) {
  const area = shape[1] * shape[2];
  const strengths = Array.from({ length: shape[0] }, (_, map) => {
    let sum = 0;
    for (let i = map * area; i < (map + 1) * area; i += 1) sum += Math.abs(values[i]);
    return sum;
  });
  return strengths.map((_, map) => map).sort((a, b) => strengths[b] - strengths[a]);
}

/** The cell of a map with its largest value. */
export function brightest({ shape, values }, map) {
  const [rows, columns] = sides(shape);
  const first = map * rows * columns;
  let best = 0;
  for (let i = 1; i < rows * columns; i += 1) if (values[first + i] > values[first + best]) best = i;
  return { map, row: Math.floor(best / columns), column: best % columns };
}

/** The main layer of a column: the convolution, not the batch norm after it. */
export const workOf = ({ network }, column) =>
  network.layers[column.layers.find((number) => network.layers[number].kind === column.kind)];

/**
 * What each input map adds to a cell of a column that mixes: a Map of map to number. With the bias, these add up to the cell's
 * value before batch norm.
 */
export function contributions(sight, index, cell) {
  const { columns } = sight;
  const [before, column] = [columns[index - 1], columns[index]];
  const step = workOf(sight, column);
  if (column.kind === "linear") return weighedMaps(step, before, cell.map);
  if (!step.filters || !step.window) return new Map();
  const sums = channelSums(step, before, cell);
  return new Map(channelsOf(step, before, cell.map).map((channel, i) => [channel, sums[i]]));
}

function weighedMaps({ weights }, before, value) {
  const parts = new Map();
  if (weights?.shape[1] !== before.values.length) return parts;
  const area = before.values.length / before.shape[0];
  const first = value * before.values.length;
  for (let map = 0; map < before.shape[0]; map += 1) {
    let sum = 0;
    for (let i = map * area; i < (map + 1) * area; i += 1) sum += before.values[i] * weights.values[first + i];
    parts.set(map, sum);
  }
  return parts;
}
