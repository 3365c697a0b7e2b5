// How each number of a network is computed from the layer before. Everything that the page says about it is computed here.

/** Rows and columns of maps; a row of values counts as maps of one cell each. */
export const sides = ([, rows = 1, columns = 1]) => [rows, columns];

/** The cell that `index` stands for in an array of this shape. */
export function cellOf(shape, index) {
  const [rows, columns] = sides(shape);
  const area = rows * columns;
  return { map: Math.floor(index / area), row: Math.floor((index % area) / columns), column: index % columns };
}

export function indexOf(shape, { map, row, column }) {
  const [rows, columns] = sides(shape);
  return (map * rows + row) * columns + column;
}

/** The input channels of a channel of a convolution: all, or those of its group. */
export function channelsOf({ filters }, before, map) {
  const [count, reached] = filters.shape;
  const groups = before.shape[0] / reached;
  const first = Math.floor(map / (count / groups)) * reached;
  return Array.from({ length: reached }, (_, i) => first + i);
}

/**
 * The input cells in a window, by rows: {row, column}, or null beyond the edge, on padding.
 */
export function windowCells({ window: { kernel, strides, pads, dilations } }, shape, { row, column }) {
  const [rows, columns] = sides(shape);
  const cells = [];
  for (let y = 0; y < kernel[0]; y += 1) {
    for (let x = 0; x < kernel[1]; x += 1) {
      const r = row * strides[0] - pads[0] + y * dilations[0];
      const c = column * strides[1] - pads[1] + x * dilations[1];
      cells.push(r >= 0 && r < rows && c >= 0 && c < columns ? { row: r, column: c } : null);
    }
  }
  return cells;
}

/** What one input channel contributes to a cell of a convolution: the numbers in the window, the kernel, their products, the sum. */
export function channelPart(step, before, cell, channel) {
  const { filters } = step;
  const area = filters.shape[2] * filters.shape[3];
  const place = channelsOf(step, before, cell.map).indexOf(channel);
  const at = (cell.map * filters.shape[1] + place) * area;
  const kernel = filters.values.subarray(at, at + area);
  const numbers = windowCells(step, before.shape, cell).map((one) =>
    one ? before.values[indexOf(before.shape, { ...one, map: channel })] : 0,
  );
  const products = numbers.map((number, i) => number * kernel[i]);
  return { channel, numbers, kernel, products, sum: total(products) };
}

/** Only the sums of all channels that a cell of a convolution takes, in the order of `channelsOf`. */
export function channelSums(step, before, cell) {
  const { filters } = step;
  const channels = channelsOf(step, before, cell.map);
  const [rows, columns] = sides(before.shape);
  const cells = windowCells(step, before.shape, cell).map((one) => (one ? one.row * columns + one.column : -1));
  const first = cell.map * filters.shape[1] * cells.length;
  return channels.map((channel, place) => {
    let sum = 0;
    cells.forEach((at, i) => {
      if (at >= 0) sum += before.values[channel * rows * columns + at] * filters.values[first + place * cells.length + i];
    });
    return sum;
  });
}

const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

function convolve(step, before, cell) {
  const parts = channelsOf(step, before, cell.map).map((channel) => channelPart(step, before, cell, channel));
  const sum = total(parts.map((part) => part.sum));
  const bias = step.bias.values[cell.map];
  return { parts, sum, bias, value: sum + bias };
}

function pool(step, before, cell) {
  const cells = windowCells(step, before.shape, cell).filter((one) => one !== null);
  const numbers = cells.map((one) => before.values[indexOf(before.shape, { ...one, map: cell.map })]);
  const value = Math.max(...numbers);
  return { cells, numbers, winner: numbers.indexOf(value), value };
}

function normalise(step, before, cell) {
  const from = before.values[indexOf(before.shape, cell)];
  const scale = step.scale.values[cell.map];
  const shift = step.shift.values[cell.map];
  return { from, scale, shift, value: from * scale + shift };
}

function rectify(step, before, cell) {
  const from = before.values[indexOf(before.shape, cell)];
  return { from, value: Math.max(0, from) };
}

function average(step, before, cell) {
  const [rows, columns] = sides(before.shape);
  const numbers = [...before.values.subarray(cell.map * rows * columns, (cell.map + 1) * rows * columns)];
  const sum = total(numbers);
  return { numbers, sum, value: sum / numbers.length };
}

const copy = (step, before, cell) => ({ value: before.values[cell.map] });

/** Every input value times its weight; `terms` are in the order of the values. */
function weigh(step, before, cell) {
  const count = before.values.length;
  const weights = step.weights.values.subarray(cell.map * count, (cell.map + 1) * count);
  const terms = Array.from(before.values, (value, i) => value * weights[i]);
  const sum = total(terms);
  const bias = step.bias.values[cell.map];
  return { weights, terms, sum, bias, value: sum + bias };
}

const WAYS = {
  convolution: [convolve, (step, before) => step.filters && step.window && before.shape.length === 3],
  pooling: [pool, (step, before) => step.window && before.shape.length === 3],
  normalisation: [normalise, (step) => step.scale],
  relu: [rectify, () => true],
  average: [average, (step, before, shape) => before.shape.length === 3 && shape[0] === before.shape[0] && sides(shape).join() === "1,1"],
  flatten: [copy, (step, before, shape) => shape[0] === before.values.length],
  linear: [weigh, (step, before) => step.weights?.shape[1] === before.values.length],
};

/**
 * How the value of `cell` in a layer of `shape` is computed from `before`, {shape, values} of the layer before: the intermediate
 * results, and `value`. If the layer's values are kept in 8 bits, this is the value before it is rounded. Null if the graph does
 * not tell all that is needed.
 */
export function howMade(step, before, shape, cell) {
  const [make, isKnown] = WAYS[step.kind] ?? [];
  return make && isKnown(step, before, shape) ? make(step, before, cell) : null;
}

/** Exponentials of the logits divided by the temperature (minus the largest, which keeps them small), their sum and shares. */
export function softmax(logits, temperature = 1) {
  const divided = Array.from(logits, (logit) => logit / temperature);
  const highest = Math.max(...divided);
  const powers = divided.map((number) => Math.exp(number - highest));
  const sum = total(powers);
  return { divided, highest, powers, sum, probabilities: powers.map((power) => power / sum) };
}

/** From the looks' logits and their weights to the answer: each look's probabilities, their mean, and the mean at the temperature. */
export function combine(looks, weights, temperature) {
  if (looks.length === 1) return { each: [], logits: looks[0], ...softmax(looks[0], temperature) };
  const each = looks.map((logits) => softmax(logits).probabilities);
  const mean = looks[0].map((_, i) => total(each.map((probabilities, look) => weights[look] * probabilities[i])));
  const logits = mean.map((probability) => Math.log(Math.max(probability, Number.MIN_VALUE)));
  return { each, mean, logits, ...softmax(logits, temperature) };
}
