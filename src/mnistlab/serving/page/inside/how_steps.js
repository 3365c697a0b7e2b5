// Explains cells of the other steps: pooling, batch norm, ReLU, the mean of a map, the linear layers.

import { colour, largest } from "../colours.js";
import { decimal, words } from "../i18n.js";
import { cellOf, indexOf } from "./arithmetic.js";
import { arrayBefore, isRow } from "./columns.js";
import { bracketed, element, grid, numeral, part } from "./figures.js";
import { shortName } from "./names.js";

/** How many values are listed one by one. */
const LISTED = 8;

const result = (value) => element("b", "result", numeral(value, 3));
const sentence = (key, values) => element("p", "note", words(key, values));

export const unknownPart = () => element("section", "how-part", sentence("howUnknown"));

export function roundingPart({ step, values, shape, cell }) {
  const kept = values[indexOf(shape, cell)];
  return element(
    "section",
    "how-part",
    element("p", "equation", words("howRounded", { step: decimal(step.rounding, 4) }), " ", result(kept)),
  );
}

export function poolingPart({ sight, number, step, made }) {
  const { numbers, winner, value } = made;
  const most = largest(arrayBefore(sight, number).values);
  const columns = Math.min(step.window.kernel[1], numbers.length);
  const table = grid(numbers, columns, { most, marked: winner, label: words("howWindow") });
  return element(
    "section",
    "how-part",
    element("div", "products", table, element("p", "equation", words("howWinner", { count: numbers.length }), " ", result(value))),
  );
}

export function normalisationPart({ made }) {
  const { from, scale, shift, value } = made;
  return element(
    "section",
    "how-part",
    sentence("howNorm"),
    element("p", "equation", `${numeral(from, 3)} × ${bracketed(scale, 3)} + ${bracketed(shift, 3)} = `, result(value)),
  );
}

export function reluPart({ made }) {
  const { from, value } = made;
  return element(
    "section",
    "how-part hinge",
    hinge(from, value),
    element("div", "", sentence(from > 0 ? "howReluKept" : "howReluZero"), element("p", "equation", `${words("howMax", { value: numeral(from, 3) })} = `, result(value))),
  );
}

const HINGE = { width: 240, height: 150, margin: 12 };

/** Draws ReLU's graph, zero below zero and rising from there, with the number on it. */
function hinge(from, value) {
  const canvas = element("canvas");
  const scale = window.devicePixelRatio;
  canvas.width = HINGE.width * scale;
  canvas.height = HINGE.height * scale;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words("howHinge"));
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const reach = Math.max(1, Math.abs(from)) * 1.2;
  const x = (number) => HINGE.width / 2 + (number / reach) * (HINGE.width / 2 - HINGE.margin);
  const floor = HINGE.height - HINGE.margin - 4;
  const y = (number) => floor - (number / reach) * (floor - HINGE.margin);
  const line = (points, name, width) => {
    context.strokeStyle = colour(name);
    context.lineWidth = width;
    context.beginPath();
    points.forEach(([a, b], i) => (i ? context.lineTo(a, b) : context.moveTo(a, b)));
    context.stroke();
  };
  line([[x(-reach), y(0)], [x(reach), y(0)]], "rule", 1);
  line([[x(0), y(0) + 6], [x(0), y(reach)]], "rule", 1);
  line([[x(-reach), y(0)], [x(0), y(0)], [x(reach), y(reach)]], "ink", 2);
  line([[x(from), y(0)], [x(from), y(value)]], "accent", 1);
  context.fillStyle = colour(from > 0 ? "for" : "against");
  context.beginPath();
  context.arc(x(from), y(value), 6, 0, 2 * Math.PI);
  context.fill();
  return canvas;
}

export function averagePart({ made }) {
  const { numbers, sum, value } = made;
  return element(
    "section",
    "how-part",
    element("p", "equation", words("howMean", { count: numbers.length, sum: numeral(sum, 3) }), " = ", result(value)),
  );
}

/** Shows the terms that weigh most, the sum of the others, and the bias. */
export function linearPart({ sight, cell, made }) {
  const { terms, weights, sum, bias, value } = made;
  const before = sight.columns[cell.index - 1];
  const order = terms.map((_, i) => i).sort((a, b) => Math.abs(terms[b]) - Math.abs(terms[a]));
  const table = element("table", "terms");
  table.createTHead().append(row("th", words("howValueOf"), words("howValue"), words("howWeight"), words("howProduct")));
  const body = table.createTBody();
  for (const i of order.slice(0, LISTED)) {
    body.append(row("td", valueName(before, i), numeral(before.values[i]), `× ${bracketed(weights[i])}`, part(terms[i], 3)));
  }
  const others = order.slice(LISTED);
  const rest = others.reduce((total, i) => total + terms[i], 0);
  if (others.length > 0) body.append(row("td", words("howOtherValues", { count: others.length }), "", "", part(rest, 3)));
  return element(
    "section",
    "how-part",
    sentence("howLinear", { count: terms.length }),
    table,
    element("p", "equation", words("howSumOne", { count: terms.length, sum: numeral(sum, 3), bias: bracketed(bias, 3) }), " = ", result(value)),
  );
}

export function row(tag, ...texts) {
  const made = element("tr");
  made.append(...texts.map((text) => element(tag, "", text)));
  return made;
}

function valueName(column, index) {
  if (isRow(column)) return words("lensIndex", { name: shortName(column), index: index + 1 });
  const { map, row: at, column: across } = cellOf(column.shape, index);
  return words("howCell", { map: map + 1, row: at + 1, column: across + 1 });
}
