// What the steps and values of a network are called.

import { words } from "../i18n.js";
import { brightest, isRow, workOf } from "./columns.js";

const KINDS = new Set(["convolution", "pooling", "normalisation", "relu", "average", "flatten", "linear", "probabilities"]);

export const kindName = (kind, name) => (kind === "input" ? words("name_input") : KINDS.has(kind) ? words(`name_${kind}`) : name);

/** A name short enough for the top of a column: conv1, pool, ReLU. */
export function shortName({ kind, name }) {
  return ["pooling", "relu", "average", "input"].includes(kind) ? words(`short_${kind}`) : name;
}

export function sizeOf(column) {
  return isRow(column) ? String(column.shape[0]) : column.shape.slice(1).join("×");
}

export const hasNorm = ({ network }, column) => column.layers.some((number) => network.layers[number].kind === "normalisation") && workOf({ network }, column)?.kind !== "normalisation";

/** "conv2, map 7, row 3, column 4", or "linear1, no. 5". */
export function cellName(sight, { index, map, row, column }) {
  if (index === sight.columns.length) return words("softmaxOf", { name: sight.classes[map] });
  const one = sight.columns[index];
  const name = one.kind === "input" ? words("name_input") : shortName(one);
  if (one.kind === "input") return words("inputCell", { name, row: row + 1, column: column + 1 });
  if (isRow(one)) {
    const isSums = index === sight.columns.length - 1 && one.shape[0] === sight.classes.length;
    return isSums ? words("sumOf", { name, value: sight.classes[map] }) : words("lensIndex", { name, index: map + 1 });
  }
  return words("lensValue", { name, map: map + 1, row: row + 1, column: column + 1 });
}

/** The same name, with a note if this is the largest value of its map, which is where a filter's picture leads. */
export function cellNameInMap(sight, cell) {
  const column = sight.columns[cell.index];
  const name = cellName(sight, cell);
  if (!column || isRow(column) || cell.index === 0) return name;
  const { row, column: across } = brightest(column, cell.map);
  return row === cell.row && across === cell.column ? words("largestOf", { name }) : name;
}
