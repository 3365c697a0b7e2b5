// The table that was found in a picture: its cells, each with its place in the picture, to be copied and saved.

import { placeFrame } from "./frames.js";
import { words } from "./i18n.js";
import { copyOn, offer } from "./picture_text.js";

const part = (name) => document.getElementById(name);
const grid = part("found-table");
let table = null;
let chosen = null;
let whenChosen;

/** `choose` is called when another cell is selected. */
export function listenForCells(choose) {
  whenChosen = choose;
}

/** Shows the table of a new answer. */
export function take(found) {
  table = found;
  chosen = null;
  grid.replaceChildren();
  if (table === null) return;
  const rows = Array.from({ length: table.rows }, () => document.createElement("tr"));
  table.cells.forEach((cell, index) => {
    const place = document.createElement("td");
    place.textContent = cell.text;
    place.rowSpan = cell.rows;
    place.colSpan = cell.columns;
    place.tabIndex = index === 0 ? 0 : -1;
    place.dataset.index = index;
    place.classList.toggle("doubtful", isDoubtful(cell));
    rows[cell.row].append(place);
  });
  const body = document.createElement("tbody");
  body.append(...rows);
  grid.append(body);
  offer(part("table-csv"), toText(","), "text/csv");
}

const isDoubtful = ({ digits }) => digits.some((digit) => !digit.accepted);

/** The cell's name, as in spreadsheets: A1. */
export function cellName({ row, column }) {
  let letters = "";
  for (let rest = column + 1; rest > 0; rest = Math.floor((rest - 1) / 26))
    letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters;
  return letters + (row + 1);
}

/** A list of texts for each row; the text of a merged cell is in its first row and column. */
function toText(between) {
  const texts = Array.from({ length: table.rows }, () => Array(table.columns).fill(""));
  for (const cell of table.cells) texts[cell.row][cell.column] = cell.text;
  return texts.map((row) => `${row.join(between)}\n`).join("");
}

export const frames = () =>
  table.cells.map((cell, index) => {
    const frame = placeFrame(cell.corners, isDoubtful(cell) ? "place doubtful" : "place", index);
    frame.classList.toggle("chosen", index === chosen);
    return frame;
  });

export function summary() {
  const doubtful = table.cells.filter(isDoubtful).length;
  const size = words("tableSize", { rows: table.rows, columns: table.columns });
  return `${size}, ${doubtful ? words("cellsDoubtful", { count: doubtful }) : words("cellsSure")}`;
}

/** The text about the selected cell. */
export function aboutChosen() {
  if (chosen === null) return words("tableSelect");
  const cell = table.cells[chosen];
  const values = { name: cellName(cell), text: cell.text, perhaps: cell.digits.map((digit) => digit.value).join("") };
  if (cell.digits.length === 0) return words("cellBlank", values);
  return words(isDoubtful(cell) ? "cellDoubtful" : "cellRead", values);
}

/** Selects the cell with that number, and marks it in the table. */
export function choose(index) {
  if (index === chosen) return;
  chosen = index;
  for (const place of grid.querySelectorAll("td")) {
    const here = Number(place.dataset.index) === index;
    place.classList.toggle("chosen", here);
    place.tabIndex = here ? 0 : -1;
    if (here) place.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  whenChosen();
}

for (const event of ["focusin", "mouseover", "click"]) {
  grid.addEventListener(event, ({ target }) => {
    const place = target.closest("td");
    if (place) choose(Number(place.dataset.index));
  });
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

grid.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || chosen === null) return;
  event.preventDefault();
  const from = table.cells[chosen];
  const row = step[0] > 0 ? from.row + from.rows : from.row + step[0];
  const column = step[1] > 0 ? from.column + from.columns : from.column + step[1];
  const covers = (start, length, place) => start <= place && place < start + length;
  const next = table.cells.findIndex(
    (cell) => covers(cell.row, cell.rows, row) && covers(cell.column, cell.columns, column),
  );
  if (next >= 0) grid.querySelector(`[data-index="${next}"]`).focus();
});

copyOn(part("table-copy"), () => toText("\t"), grid);
