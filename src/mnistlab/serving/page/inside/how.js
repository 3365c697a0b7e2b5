// "How this number was made": a cell's window, and all that is reckoned from it to its value.

import { language, words } from "../i18n.js";
import { arrayBefore, isRow } from "./columns.js";
import { howMade } from "./arithmetic.js";
import { drawMaps, listenToMap } from "./how_maps.js";
import { averagePart, linearPart, normalisationPart, poolingPart, reluPart, roundingPart, unknownPart } from "./how_steps.js";
import { convolutionPart } from "./how_convolution.js";
import { inputPart, softmaxPart } from "./how_ends.js";
import { cellName } from "./names.js";
import { isPlaying, startPlaying, stopPlaying } from "./sliding.js";

const part = (name) => document.getElementById(name);
const panel = part("how");

/** Pixels that it needs beside a cell. */
const ROOM = 660;

const PARTS = {
  convolution: convolutionPart,
  pooling: poolingPart,
  normalisation: normalisationPart,
  relu: reluPart,
  average: averagePart,
  linear: linearPart,
};

/** What is shown: {sight, cell, channel}; `channel` is the map before whose products are shown, null for the one that adds most. */
let shown = null;
let moved = () => {};
let opener = null;

/** Calls `listener` with the cell whenever another one is looked at in here. */
export function whenMoved(listener) {
  moved = listener;
}

/** Opens for a cell that stands between `left` and `right` in the overview: beside it where there is room, not over it. */
export function open(sight, cell, { left, right }) {
  stopPlaying();
  if (panel.hidden) opener = document.activeElement;
  shown = { sight, cell, channel: null };
  panel.hidden = false;
  const { clientWidth } = panel.parentElement;
  panel.classList.toggle("left", clientWidth - right < ROOM && left > clientWidth / 2);
  render();
  panel.focus({ preventScroll: matchMedia("(min-width: 1024px)").matches });
}

export function close() {
  if (panel.hidden) return;
  stopPlaying();
  const hadFocus = panel.contains(document.activeElement);
  panel.hidden = true;
  shown = null;
  if (hadFocus) opener?.focus();
  moved(null);
}

/** The cell that it is open for, or null. */
export const openCell = () => shown?.cell ?? null;

/** The drawing changed: the same cell in the new picture. */
export function follow(sight) {
  if (!shown) return;
  shown.sight = sight;
  render();
}

/** Looks at another cell of the same step. */
export function move(cell) {
  shown.cell = cell;
  render();
  moved(cell);
}

function render() {
  const { sight, cell } = shown;
  const column = sight.columns[cell.index];
  part("how-where").textContent = cellName(sight, cell);
  const hasMaps = column && !isRow(column) && cell.index > 0;
  part("how-maps").hidden = !hasMaps;
  part("how-play").hidden = !hasMaps;
  part("how-play").textContent = words(isPlaying() ? "howStop" : "howPlay");
  if (hasMaps) drawMaps(shown);
  part("how-steps").lang = language;
  part("how-steps").replaceChildren(...stepsOf(column));
}

function stepsOf(column) {
  const { sight, cell } = shown;
  if (!column) return [softmaxPart(sight, cell.map)];
  if (column.kind === "input") return [inputPart(sight, cell)];
  return column.layers.flatMap((number) => {
    const step = sight.network.layers[number];
    if (step.kind === "flatten") return [];
    const { shape, values } = sight.arrays[number];
    const made = howMade(step, arrayBefore(sight, number), shape, cell);
    if (!made || !PARTS[step.kind]) return [unknownPart()];
    const about = { sight, step, number, cell, made, shape, values, column, channel: shown.channel, choose };
    return step.rounding === null ? [PARTS[step.kind](about)] : [PARTS[step.kind](about), roundingPart(about)];
  });
}

/** Shows the products of another map before. */
function choose(channel) {
  shown.channel = channel;
  render();
  part("how-steps").querySelector("[aria-pressed=true]")?.focus();
}

part("how-close").addEventListener("click", close);
part("how-play").addEventListener("click", () => {
  if (isPlaying()) stopPlaying();
  else startPlaying(shown, move, render);
  render();
});
panel.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
});
listenToMap(() => shown, (cell) => {
  stopPlaying();
  move(cell);
});

