// "How this number was made": a cell's window, and the whole computation from the window to the cell's value.

import { language, words } from "../i18n.js";
import { arrayBefore, isRow, workOf } from "./columns.js";
import { howMade } from "./arithmetic.js";
import { drawMaps, listenToMap } from "./how_maps.js";
import { averagePart, linearPart, normalisationPart, poolingPart, reluPart, roundingPart, unknownPart } from "./how_steps.js";
import { convolutionPart } from "./how_convolution.js";
import { inputPart, softmaxPart } from "./how_ends.js";
import { cellName } from "./names.js";
import { isPaused, isPlaying, pausePlaying, startPlaying, stopPlaying } from "./sliding.js";

const part = (name) => document.getElementById(name);
const panel = part("how");

/** From this many columns on, a kernel's numbers need more room. */
const WIDE = 4;
/** The gap, in pixels, between the panel and what it stands beside. */
const GAP = 16;

const PARTS = {
  convolution: convolutionPart,
  pooling: poolingPart,
  normalisation: normalisationPart,
  relu: reluPart,
  average: averagePart,
  linear: linearPart,
};

/** What is being shown: {sight, cell, channel}; `channel` is the input map whose products are shown, null for the strongest. */
let shown = null;
let moved = () => {};
let opener = null;

/** Calls `listener` with the cell whenever another cell is selected in this panel. */
export function whenMoved(listener) {
  moved = listener;
}

/** Opens for a cell between `left` and `right` in the overview, whose bars begin at `bars`. */
export function open(sight, cell, { left, right, bars }) {
  stopPlaying();
  if (panel.hidden) opener = document.activeElement;
  shown = { sight, cell, channel: null };
  panel.hidden = false;
  render();
  place(left, right, bars);
  panel.focus({ preventScroll: matchMedia("(min-width: 1024px)").matches });
}

/** Puts the panel beside the bars, beside the sheet or over the bars: the first of these places that leaves the cell visible. */
function place(left, right, bars) {
  const whole = panel.parentElement.clientWidth;
  const desk = document.querySelector(".desk").clientWidth;
  const column = shown.sight.columns[shown.cell.index];
  const work = column?.layers.length ? workOf(shown.sight, column) : null;
  panel.classList.toggle("wide", work?.filters?.shape[3] >= WIDE);
  const width = panel.offsetWidth;
  const places = [bars - GAP - width, desk + GAP, whole - width].filter((at) => at >= desk + GAP);
  const at = places.find((one) => one > right || one + width < left) ?? places[0] ?? desk + GAP;
  panel.style.setProperty("--left", `${at}px`);
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

/** The cell for which the panel is open; null if it is closed. */
export const openCell = () => shown?.cell ?? null;

/** Shows the same cell in a new picture, after the drawing has changed. */
export function follow(sight) {
  if (!shown) return;
  shown.sight = sight;
  render();
}

/** Selects another cell of the same step. */
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
  part("how-play").textContent = words(isPaused() ? "howGoOn" : isPlaying() ? "howPause" : "howPlay");
  part("how-percent").hidden = !column;
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

/** Shows the products of another input map. */
function choose(channel) {
  shown.channel = channel;
  render();
  part("how-steps").querySelector("[aria-pressed=true]")?.focus();
}

part("how-close").addEventListener("click", close);
part("how-play").addEventListener("click", () => {
  if (isPlaying()) pausePlaying();
  else startPlaying(shown, move, render);
  render();
});
part("how-percent").addEventListener("click", () => {
  const { probabilities } = shown.sight;
  document.querySelector(`#inside-bars [data-map="${probabilities.indexOf(Math.max(...probabilities))}"]`).click();
});
panel.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
});
listenToMap(() => shown, (cell) => {
  stopPlaying();
  move(cell);
});

