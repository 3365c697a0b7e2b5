// Numbers in the form in which the tab Inside shows them, and small pieces of the page.

import { shade } from "../colours.js";
import { decimal } from "../i18n.js";

/** A number with a real minus sign, but without one if it is rounded to zero. */
export function numeral(number, digits = 2) {
  const text = decimal(Math.abs(number), digits);
  return number < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** A number as part of a sum: with a plus sign if it is above zero. */
export const part = (number, digits = 2) => (number > 0 ? "+" : "") + numeral(number, digits);

/** The least and the largest of numbers, as texts: {low, high}. */
export function ends(numbers) {
  const [low, high] = [Math.min, Math.max].map((choose) => numeral(numbers.reduce((one, other) => choose(one, other))));
  return { low, high };
}

/** A number as a factor or a term: in brackets if it is negative. */
export const bracketed = (number, digits = 2) => (number < 0 ? `(${numeral(number, digits)})` : numeral(number, digits));

export function element(tag, className = "", ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** A table of numbers, row by row, each in its shade; `marked` is the index of a number to mark. */
export function grid(numbers, columns, { most, marked = -1, label, ofInk = false }) {
  const table = element("table", "grid");
  table.setAttribute("aria-label", label);
  const small = columns > 5;
  table.classList.toggle("small", small);
  for (let start = 0; start < numbers.length; start += columns) {
    const row = table.insertRow();
    for (let i = start; i < start + columns; i += 1) {
      const cell = row.insertCell();
      if (!small) cell.textContent = numeral(numbers[i]);
      paintCell(cell, most ? numbers[i] / most : 0, ofInk);
      cell.classList.toggle("marked", i === marked);
    }
  }
  return table;
}

/** Puts a shade behind a number, and writes the number in black or white, whichever is readable on it. */
function paintCell(cell, share, ofInk) {
  const [red, green, blue] = shade(share, ofInk ? "ink" : "for").map(Math.round);
  cell.style.background = `rgb(${red} ${green} ${blue})`;
  cell.style.color = luminance([red, green, blue]) > MIDDLE ? "black" : "white";
}

/** The luminance at which black and white are equally readable (WCAG). */
const MIDDLE = 0.179;

function luminance(parts) {
  const linear = parts.map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}
