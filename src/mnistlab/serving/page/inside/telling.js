// Says in words what the overview shows: the value that is pointed at, and what cannot be shown.

import { decimal, percent, words } from "../i18n.js";
import { indexOf } from "./arithmetic.js";
import { isRow } from "./columns.js";
import { ends, numeral } from "./figures.js";
import { fieldOf } from "./lights.js";
import { cellName, cellNameInMap } from "./names.js";

/** The value that is pointed at, and what its step does; if no value is, how to use the overview. */
export function sentenceOn(sight, cell) {
  if (!cell) return words("insideHelp");
  return cell.index === sight.columns.length ? onBar(sight, cell) : onCell(sight, cell);
}

function onBar(sight, cell) {
  const { probabilities, temperature } = sight;
  const key = temperature === 1 ? "kind_probabilities" : "kind_calibrated";
  const value = percent(probabilities[cell.map]);
  return `${words("toldBar", { name: cellName(sight, cell), value })} ${words(key, { temperature: decimal(temperature, 2) })}`;
}

function onCell(sight, cell) {
  const column = sight.columns[cell.index];
  const isInput = column.kind === "input";
  const value = numeral(column.values[indexOf(column.shape, isRow(column) ? { map: cell.map, row: 0, column: 0 } : cell)]);
  const name = cellNameInMap(sight, cell);
  const field = isInput ? null : sight.layers[column.layers.at(-1)].field;
  const looks = field && words("lensField", fieldOf(field, cell));
  const told = looks ? words("lensTells", { name, value, looks }) : words("toldCell", { name, value });
  return `${told} ${isInput ? words("kind_picture", ends(column.values)) : words(`kind_${column.kind}`)}`;
}

/** What of this model cannot be shown, or only in part; empty if everything can be shown. */
export function limitsOf({ columns, looks, network }) {
  if (columns.length === 0) return words("insideNone");
  const limits = [];
  if (!network.complete || looks.length === 0) limits.push(words("insidePart"));
  if (looks.length > 1) limits.push(words("insideLooks", { count: looks.length }));
  if (network.deskewed) limits.push(words("insideDeskewed"));
  if (network.evened_out) limits.push(words("insideEvenedOut"));
  return limits.join(" ");
}
