// Shows the input map with the window on it, and the output map, in which a cell can be chosen.

import { colour, painted } from "../colours.js";
import { words } from "../i18n.js";
import { sides, windowCells } from "./arithmetic.js";
import { strongestChannel } from "./how_convolution.js";
import { arrayBefore, workOf } from "./columns.js";
import { shortName } from "./names.js";
import { isPainted } from "./sliding.js";

const SIDE = 168;
const part = (name) => document.getElementById(name);
const pile = document.createElement("canvas");

export function drawMaps(shown) {
  const { sight, cell } = shown;
  const column = sight.columns[cell.index];
  const work = workOf(sight, column);
  const before = arrayBefore(sight, sight.network.layers.indexOf(work));
  const from = column.kind === "convolution" ? (shown.channel ?? strongestChannel(work, before, cell)) : cell.map;
  const previous = sight.columns[cell.index - 1];
  drawMap(part("how-before"), before, from, () => true, previous.kind === "input");
  const window = work.window ? windowCells(work, before.shape, cell).filter((one) => one) : [cell];
  frame(part("how-before"), before.shape, window);
  drawMap(part("how-map"), column, cell.map, isPainted, false);
  frame(part("how-map"), column.shape, [cell]);
  const name = (one, map) => (one.kind === "input" ? words("name_input") : words("howMap", { name: shortName(one), map: map + 1 }));
  part("how-before-name").textContent = name(previous, from);
  part("how-map-name").textContent = name(column, cell.map);
}

function drawMap(canvas, { shape, values }, map, isShown, isInput) {
  const [rows, columns] = sides(shape);
  const area = rows * columns;
  const scale = window.devicePixelRatio;
  canvas.width = SIDE * scale;
  canvas.height = (SIDE * scale * rows) / columns;
  let most = 0;
  let low = isInput ? Infinity : 0;
  for (const value of values) {
    most = Math.max(most, isInput ? value : Math.abs(value));
    low = Math.min(low, isInput ? value : 0);
  }
  if (!isInput) low = 0;
  const own = values.slice(map * area, (map + 1) * area).map((value, i) => (isShown(i) ? value - low : 0));
  const image = new ImageData(columns, rows);
  new Uint32Array(image.data.buffer).set(painted(own, most - low, isInput));
  pile.width = columns;
  pile.height = rows;
  pile.getContext("2d").putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(pile, 0, 0, canvas.width, canvas.height);
}

function frame(canvas, shape, cells) {
  if (cells.length === 0) return;
  const [rows, columns] = sides(shape);
  const [wide, high] = [canvas.width / columns, canvas.height / rows];
  const [left, top] = [Math.min(...cells.map((cell) => cell.column)), Math.min(...cells.map((cell) => cell.row))];
  const [right, bottom] = [Math.max(...cells.map((cell) => cell.column)), Math.max(...cells.map((cell) => cell.row))];
  const context = canvas.getContext("2d");
  for (const [name, thickness] of [["sheet-paper", 5], ["accent", 2.5]]) {
    context.strokeStyle = colour(name);
    context.lineWidth = thickness * window.devicePixelRatio;
    context.strokeRect(left * wide, top * high, (right + 1 - left) * wide, (bottom + 1 - top) * high);
  }
}

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** Calls move(cell) as the visitor moves over the map with a pressed or hovering pointer, or with the arrow keys. */
export function listenToMap(shown, move) {
  const canvas = part("how-map");
  const sidesNow = () => sides(shown().sight.columns[shown().cell.index].shape);
  const to = (row, column) => {
    const [rows, columns] = sidesNow();
    if (row < 0 || row >= rows || column < 0 || column >= columns) return;
    const { cell } = shown();
    if (row !== cell.row || column !== cell.column) move({ ...cell, row, column });
  };
  for (const kind of ["pointerdown", "pointermove"]) {
    canvas.addEventListener(kind, (event) => {
      const [rows, columns] = sidesNow();
      const { left, top, width, height } = canvas.getBoundingClientRect();
      to(Math.floor(((event.clientY - top) * rows) / height), Math.floor(((event.clientX - left) * columns) / width));
    });
  }
  canvas.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    const { cell } = shown();
    to(cell.row + step[0], cell.column + step[1]);
  });
}
