// The network at a glance: a column for each step from the picture to the answer, live while the visitor draws.

import "./inside/parts.js";

import { showBars } from "./bars.js";
import { colour, shades } from "./colours.js";
import { explaining } from "./explaining.js";
import { language, words } from "./i18n.js";
import { sightOf } from "./inside/columns.js";
import { edgesOf } from "./inside/edges.js";
import { element, numeral } from "./inside/figures.js";
import * as how from "./inside/how.js";
import { layOut } from "./inside/layout.js";
import { hasNorm, kindName, shortName, sizeOf } from "./inside/names.js";
import { networkOf } from "./inside/network.js";
import { filtersOf, paint } from "./inside/paint.js";
import { listen } from "./inside/pointing.js";
import { limitsOf, sentenceOn } from "./inside/telling.js";
import { onceAtRest, paintWave, startWave, stopWave } from "./inside/wave.js";
import { measure } from "./measures.js";

const part = (name) => document.getElementById(name);
const place = part("overview");
const canvas = part("network");
const bars = part("inside-bars");

/** What is being shown: {sight, layout, edges, filters, pointed, atRest}; null before the first explanation. */
let scene = null;
let explained = null;
let frame = null;
/** How many milliseconds of work the next frame has taken so far, before it is painted. */
let work = 0;
/** What the column labels were last made for. */
let labelled = "";

export const refresh = explaining("layers", draw, networkOf);

/** Makes everything again that was made for the old language or theme. */
export function forget() {
  explained = null;
  drawScale();
}

function draw(explanation) {
  if (place.offsetParent === null) return; // the panel was left in the meantime: it will be drawn when it opens again
  if (explained === explanation) return;
  explained = explanation;
  const start = performance.now();
  const sight = sightOf(explanation);
  if (scene && signatureOf(sight) !== signatureOf(scene.sight)) {
    scene = null; // in another network, nothing is where it was
    how.close();
  }
  const old = scene?.sight.columns;
  sight.columns.forEach((column, index) => (column.order = old?.[index].order ?? column.order)); // the maps keep their places
  scene = { sight, pointed: scene?.pointed ?? null };
  arrange();
  work += performance.now() - start;
  how.follow(scene.sight);
  onceAtRest(() => settle(explanation));
}

const signatureOf = ({ model, columns, classes }) =>
  [model, ...classes, ...columns.map(({ name, shape }) => `${name} ${shape}`)].join("\n");

/** Sorts the maps and starts the wave, once the pen rests. */
function settle(explanation) {
  if (explained !== explanation || place.offsetParent === null) return;
  scene.sight = sightOf(explanation);
  arrange();
  paintNow();
  if (startWave(canvas)) place.classList.add("wave");
  scene.atRest = true;
  askForFrame();
}

/** Puts everything in its place, and has it painted. */
function arrange() {
  stopWave();
  const { sight } = scene;
  const limits = limitsOf(sight);
  part("inside-none").textContent = limits;
  part("inside-none").hidden = limits === "";
  const endsInSums = sight.columns.at(-1)?.kind === "linear" && sight.columns.at(-1).shape[0] === sight.classes.length;
  scene.layout = layOut(sight.columns, {
    width: place.clientWidth,
    height: place.clientHeight,
    classes: sight.classes.length,
    inputBox: roomForInput(),
    endsInSums,
    rem: parseFloat(getComputedStyle(document.documentElement).fontSize) / 16,
  });
  scene.edges = edgesOf(sight, scene.layout);
  scene.filters = filtersOf(sight, scene.layout);
  label();
  placeBars();
  askForFrame();
  tell();
}

/** The place under the sheet if the sheet has its own column; otherwise null. */
function roomForInput() {
  const desk = document.querySelector(".desk");
  if (getComputedStyle(desk).gridRowStart === "auto") return null;
  const here = place.getBoundingClientRect();
  const above = document.getElementById("reading").getBoundingClientRect();
  const room = here.bottom - above.bottom - 32;
  const side = Math.max(96, Math.min(desk.clientWidth - 20, room));
  return { x: 1, y: above.bottom - here.top + 28, side, right: desk.clientWidth };
}

/** Writes above each column its name, and the size of its maps if that changes; below it, how many more maps there are. */
function label() {
  const { sight, layout } = scene;
  const places = layout.columns.map(({ x, width, top, hidden }) => [x, width, top, hidden]);
  const key = JSON.stringify([language, signatureOf(sight), layout.height, places]);
  if (labelled === key) return;
  labelled = key;
  part("steps").replaceChildren(
    ...sight.columns.map((column, index) => {
      const { x, width, hidden, top, items } = layout.columns[index];
      const name = element("li", "step", element("span", "unseen", `${kindName(column.kind, column.name)}: `));
      const size = sizeOf(column);
      name.append(element("b", "", shortName(column)));
      if (hasNorm(sight, column)) name.append(element("span", "", words("short_norm")));
      if (index === 0 || size !== sizeOf(sight.columns[index - 1])) name.append(element("span", "", size));
      name.style.left = `${x + width / 2}px`;
      if (index === 0) name.style.top = `${top - 26}px`;
      name.classList.toggle("input", index === 0);
      if (hidden > 0 && column.mixes) {
        const more = element("span", "more", words("moreMaps", { count: hidden }));
        more.style.top = `${items.at(-1).y + items.at(-1).height + 2}px`;
        name.append(more);
      }
      return name;
    }),
  );
}

function placeBars() {
  const { layout, sight } = scene;
  const { x, top, height, rows } = layout.bars;
  showBars(bars, sight.classes, sight.probabilities);
  Object.assign(bars.style, { left: `${x}px`, top: `${top}px`, width: `${layout.bars.width}px` });
  bars.style.setProperty("--row", `${height}px`);
  for (const [index, row] of [...bars.children].entries()) row.dataset.map = rows[index].map;
}

function askForFrame() {
  frame ??= requestAnimationFrame(() => {
    frame = null;
    if (!scene || place.offsetParent === null) return;
    const { layout } = scene;
    if (paintWave(canvas.getContext("2d"), layout.columns[0]?.x ?? 0, layout.bars.x, colour("accent"))) askForFrame();
    else paintNow();
  });
}

function paintNow() {
  const start = performance.now();
  place.classList.remove("wave");
  const { layout } = scene;
  const scale = window.devicePixelRatio;
  const [width, height] = [layout.width, layout.height].map((side) => Math.round(side * scale));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  Object.assign(canvas.style, { width: `${layout.width}px`, height: `${layout.height}px` });
  paint(canvas.getContext("2d"), scene);
  measure("overview", start - work);
  work = 0;
}

// The cell that is pointed at.

/** Points at a cell; null points at the one whose computation is shown, if any. */
function point(given) {
  if (!scene) return;
  const cell = given ?? how.openCell();
  if (JSON.stringify(cell) === JSON.stringify(scene.pointed)) return;
  stopWave();
  scene.pointed = cell;
  for (const [index, row] of [...bars.children].entries()) row.classList.toggle("pointed", isBar(cell) && cell.map === index);
  for (const [index, step] of [...part("steps").children].entries()) step.classList.toggle("pointed", index === cell?.index);
  askForFrame();
  tell();
}

const isBar = (cell) => cell?.index === scene.sight.columns.length;

/** Describes the value that is pointed at, and what its step does. */
function tell() {
  const { sight, pointed } = scene;
  const most = sight.columns[pointed?.index]?.most;
  part("scale-low").textContent = most ? numeral(-most, 1) : words("scaleLow");
  part("scale-high").textContent = most ? `+${numeral(most, 1)}` : words("scaleHigh");
  part("told").textContent = sentenceOn(sight, pointed);
}

listen(canvas, { scene: () => (scene?.sight.columns.length ? scene : null), point, open });

function open(cell) {
  const { x, width } = scene.layout.columns[cell.index] ?? scene.layout.bars;
  const sums = scene.layout.columns.find(({ isSums }) => isSums);
  how.open(scene.sight, cell, { left: x, right: x + width, bars: (sums ?? scene.layout.bars).x });
  point(cell);
}

for (const kind of ["pointermove", "click"]) {
  bars.addEventListener(kind, (event) => {
    const row = event.target.closest("li");
    if (!row || !scene) return;
    const cell = { index: scene.sight.columns.length, map: Number(row.dataset.map), row: 0, column: 0 };
    if (kind === "click") open(cell);
    else point(cell);
  });
}
bars.addEventListener("pointerleave", () => scene && point(null));

how.whenMoved(point);

function drawScale() {
  const context = part("scale").firstElementChild.getContext("2d");
  const image = new ImageData(255, 1);
  new Uint32Array(image.data.buffer).set(shades());
  context.putImageData(image, 0, 0);
}

new ResizeObserver(() => {
  if (!scene || place.offsetParent === null) return;
  arrange();
}).observe(place);

/** What the overview shows, for tests: {sight, layout, edges, filters, pointed}. */
export const shownScene = () => scene;
