// The network layer by layer: its filters, its maps, and what part of the picture each value looks at.

import { showBars } from "./bars.js";
import { Cells, colour, drawGrey } from "./colours.js";
import { explaining } from "./explaining.js";
import { decimal, words } from "./i18n.js";

const GAP = 4;
const NARROW = 400;
const WIDEST_MAP = 120;
const LENS_CELL = 8;
const PALE = 0.35;

const place = document.getElementById("layers");
const lens = document.getElementById("lens");
const picture = document.createElement("canvas");
picture.width = 28;
picture.height = 28;
/** All maps of a layer at a pixel a value, one under the other. */
const pile = document.createElement("canvas");

let shown = null;
let views = [];
let built = "";
/** The value that is pointed at: {layer, map, row, column}, or null. */
let pointed = null;

export const refresh = explaining("layers", draw);

/** After a change of language or theme. */
export function forget() {
  built = "";
}

function draw(explanation) {
  shown = explanation;
  if (place.offsetParent === null) return; // the panel was left meanwhile: it is drawn when it opens again
  const signature = [shown.model, ...shown.layers.map(({ name, array }) => `${name} ${array.shape}`)].join("\n");
  document.getElementById("inside-none").hidden = shown.layers.length > 0;
  if (built !== signature) {
    built = signature;
    pointed = null;
    views = shown.layers.map(build);
    place.replaceChildren(...views.map((view) => view.section));
    shown.layers.forEach((layer, index) => (views[index].layer = layer));
    drawFilters();
  }
  shown.layers.forEach((layer, index) => fill(views[index], layer));
  drawGrey(picture, shown.pixels);
  drawLens();
}

/** What a layer is for. */
function sentence(kind) {
  if (kind !== "probabilities" || shown.temperature === 1) return words(KINDS.has(kind) ? `kind_${kind}` : "kind_other");
  return words("kind_calibrated", { temperature: decimal(shown.temperature, 2) });
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

const KINDS = new Set([
  "convolution",
  "pooling",
  "normalisation",
  "relu",
  "average",
  "flatten",
  "linear",
  "probabilities",
]);

function build(layer, index) {
  const section = element("section", "layer");
  const heading = element("h3", "", KINDS.has(layer.kind) ? words(`name_${layer.kind}`) : layer.name);
  heading.append(element("small", "", `${layer.name}, ${layer.array.shape.join(" × ")}`));
  section.append(heading, element("p", "note", sentence(layer.kind)));
  const view = { section };
  if (layer.filters) {
    const [count, inputs] = layer.filters.shape;
    section.append(
      element("p", "note", words(inputs === 1 ? "filtersOne" : "filtersMany", { count, channels: inputs })),
    );
    view.filters = element("canvas", "maps");
    view.filters.setAttribute("role", "img");
    view.filters.setAttribute("aria-label", words("layerFilters", { name: layer.name }));
    section.append(view.filters);
  }
  if (isClasses(layer)) {
    view.bars = element("ul", layer.kind === "linear" ? "bars small signed" : "bars small");
    view.bars.setAttribute("aria-label", words(`name_${layer.kind}`));
    section.append(view.bars);
  } else {
    view.maps = element("canvas", "maps");
    view.maps.tabIndex = 0;
    view.maps.setAttribute("role", "application");
    const key = isRow(layer.array.shape) ? "layerValues" : "layerMaps";
    view.maps.setAttribute("aria-label", words(key, { name: layer.name }));
    listen(view.maps, index);
    section.append(view.maps);
  }
  return view;
}

const isRow = (shape) => shape.length === 1 || shape[1] * shape[2] === 1;
const isClasses = ({ kind, array }) =>
  kind === "probabilities" || (kind === "linear" && array.shape[0] === shown.classes.length);

function fill(view, layer) {
  view.layer = layer;
  view.cells = new Cells(layer.array);
  if (layer.kind === "probabilities") showBars(view.bars, shown.classes, shown.probabilities);
  else if (view.bars) showSums(view.bars, view.cells.values);
  else drawMaps(view);
}

/** Sums as bars to the left and right of zero. */
function showSums(list, sums) {
  const most = Math.max(...sums.map(Math.abs)) || 1;
  showBars(
    list,
    shown.classes,
    sums.map((sum) => Math.abs(sum) / most / 2),
  );
  const best = sums.indexOf(Math.max(...sums));
  sums.forEach((sum, index) => {
    const row = list.children[index];
    row.dataset.probability = "";
    row.classList.toggle("negative", sum < 0);
    row.classList.toggle("best", index === best);
    row.children[2].textContent = decimal(sum).replace("-", "−");
  });
}

/** Filters are the model's and stay when the drawing changes. */
function drawFilters() {
  for (const { filters, layer } of views) {
    const across = layer.array.shape[2]; // as many a row as maps, so that each map stands under its filter
    if (filters) drawTiles(filters, { ...filterCells(layer.filters), across }, null);
  }
}

/** Of filters over one map the weights; of others, how strong they are, over all the maps that they reach through. */
function filterCells(filters) {
  const cells = new Cells(filters);
  const [count, inputs, rows, columns] = cells.shape;
  if (inputs === 1) return { table: cells.colours(), bytes: cells.bytes, count, rows, columns };
  const area = rows * columns;
  const strength = new Float32Array(count * area);
  for (let i = 0; i < cells.bytes.length; i += 1) {
    const filter = Math.floor(i / (inputs * area));
    strength[filter * area + (i % area)] += cells.value(i) ** 2;
  }
  const low = Math.min(...strength);
  const range = Math.max(...strength) - low || 1;
  const bytes = Uint8Array.from(strength, (sum) => (255 * (sum - low)) / range);
  const table = new Cells({ shape: [], low: 0, high: 1, bits: 8, data: "" }).colours();
  return { table, bytes, count, rows, columns };
}

function drawMaps(view) {
  const { shape } = view.cells;
  const common = { table: view.cells.colours(), bytes: view.cells.bytes };
  if (isRow(shape)) {
    const columns = Math.min(shape[0], view.maps.parentElement.clientWidth < NARROW ? 32 : 64);
    view.grid = { ...common, count: 1, rows: Math.ceil(shape[0] / columns), columns, isStrip: true };
  } else {
    view.grid = { ...common, count: shape[0], rows: shape[1], columns: shape[2] };
  }
  const here = pointed && views[pointed.layer] === view ? pointed : null;
  drawTiles(view.maps, view.grid, here);
}

/** Draws all maps in one canvas, and remembers in `grid` where each is. */
function drawTiles(canvas, grid, here) {
  const { table, bytes, count, rows, columns, isStrip, across = columns } = grid;
  const width = canvas.parentElement.clientWidth;
  const fits = (across > 10 ? 8 : 16) / (width < NARROW ? 2 : 1);
  const perRow = Math.min(count, fits);
  const wide = Math.min((width + GAP) / perRow - GAP, isStrip ? Infinity : WIDEST_MAP);
  const high = (wide * rows) / columns;
  Object.assign(grid, { perRow, wide, high });
  const lines = Math.ceil(count / perRow);
  const scale = window.devicePixelRatio;
  const height = lines * (high + GAP) - GAP;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.scale(scale, scale);
  pile.width = columns;
  pile.height = rows * count;
  const image = new ImageData(columns, rows * count);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < bytes.length; i += 1) pixels[i] = table[bytes[i]];
  pile.getContext("2d").putImageData(image, 0, 0);
  for (let map = 0; map < count; map += 1) {
    const [x, y] = corner(grid, map);
    context.drawImage(pile, 0, map * rows, columns, rows, x, y, wide, high);
  }
  if (here) {
    const [x, y] = corner(grid, here.map);
    const cell = wide / columns;
    for (const [name, thickness] of [["sheet-paper", 5], ["ink", 2]]) {
      context.strokeStyle = colour(name);
      context.lineWidth = thickness;
      context.strokeRect(x + here.column * cell - 1, y + here.row * cell - 1, cell + 2, cell + 2);
    }
  }
}

function corner({ perRow, wide, high }, map) {
  return [(map % perRow) * (wide + GAP), Math.floor(map / perRow) * (high + GAP)];
}

function listen(canvas, layer) {
  const follow = (event) => {
    const { grid } = views[layer];
    const box = canvas.getBoundingClientRect();
    const across = Math.floor((event.clientX - box.left) / (grid.wide + GAP));
    const down = Math.floor((event.clientY - box.top) / (grid.high + GAP));
    const cell = grid.wide / grid.columns;
    const map = down * grid.perRow + across;
    const column = Math.floor((event.clientX - box.left - across * (grid.wide + GAP)) / cell);
    const row = Math.floor((event.clientY - box.top - down * (grid.high + GAP)) / cell);
    point({ layer, map, row, column });
  };
  canvas.addEventListener("pointermove", follow);
  canvas.addEventListener("pointerdown", follow);
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && document.activeElement !== canvas) point(null);
  });
  canvas.addEventListener("focus", () => {
    if (pointed?.layer !== layer && canvas.matches(":focus-visible")) point({ layer, map: 0, row: 0, column: 0 });
  });
  canvas.addEventListener("blur", () => point(null));
  canvas.addEventListener("keydown", (event) => {
    const here = pointed?.layer === layer ? { ...pointed } : { layer, map: 0, row: 0, column: 0 };
    if (event.key === "ArrowLeft") here.column -= 1;
    else if (event.key === "ArrowRight") here.column += 1;
    else if (event.key === "ArrowUp") here.row -= 1;
    else if (event.key === "ArrowDown") here.row += 1;
    else if (event.key === "PageUp") here.map -= 1;
    else if (event.key === "PageDown") here.map += 1;
    else return;
    event.preventDefault();
    point(here);
  });
}

/** Points at a value, if there is one there. */
function point(next) {
  if (next) {
    const { count, rows, columns } = views[next.layer].grid;
    const inside =
      next.map >= 0 && next.map < count && next.row >= 0 && next.row < rows && next.column >= 0 && next.column < columns;
    if (!inside || indexOf(next) >= views[next.layer].cells.bytes.length) return;
  }
  const before = pointed;
  pointed = next;
  for (const layer of new Set([before?.layer, next?.layer])) if (layer !== undefined) drawMaps(views[layer]);
  drawLens();
}

function indexOf({ layer, map, row, column }) {
  const { rows, columns } = views[layer].grid;
  return (map * rows + row) * columns + column;
}

function drawLens() {
  const context = lens.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.globalAlpha = 1;
  context.fillStyle = "black";
  context.fillRect(0, 0, lens.width, lens.height);
  const field = pointed && views[pointed.layer].layer.field;
  context.globalAlpha = field ? PALE : 1;
  context.drawImage(picture, 0, 0, lens.width, lens.height);
  context.globalAlpha = 1;
  const text = document.getElementById("lens-text");
  if (!pointed) {
    text.textContent = `${words("kind_picture")} ${words("lensHelp")}`;
    return;
  }
  const { layer, cells } = views[pointed.layer];
  const value = words("lensNumber", { value: decimal(cells.value(indexOf(pointed)), 2).replace("-", "−") });
  if (!field) {
    const name = words("lensIndex", { name: layer.name, index: indexOf(pointed) + 1 });
    text.textContent = words("lensTells", { name, value, looks: words(isRow(layer.array.shape) ? "lensWhole" : "lensUpright") });
    return;
  }
  const [top, bottom] = span(field, pointed.row);
  const [left, right] = span(field, pointed.column);
  const where = [left, top, right - left, bottom - top];
  context.drawImage(picture, ...where, ...where.map((pixels) => pixels * LENS_CELL));
  context.strokeStyle = colour("frame");
  context.lineWidth = 4;
  context.strokeRect(left * LENS_CELL + 2, top * LENS_CELL + 2, where[2] * LENS_CELL - 4, where[3] * LENS_CELL - 4);
  const name = words("lensValue", {
    name: layer.name,
    map: pointed.map + 1,
    row: pointed.row + 1,
    column: pointed.column + 1,
  });
  const looks = words("lensField", { height: bottom - top, width: right - left });
  text.textContent = words("lensTells", { name, value, looks });
}

/** The picture's rows (or columns) that a cell looks at, as far as they are in the picture. */
function span({ size, step, start }, cell) {
  const from = start + cell * step;
  return [Math.max(0, Math.round(from)), Math.min(28, Math.round(from + size))];
}

new ResizeObserver(() => {
  if (place.offsetParent === null) return;
  drawFilters();
  for (const view of views) if (view.maps) drawMaps(view);
}).observe(place);
