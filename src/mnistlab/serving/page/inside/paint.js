// Paints the overview: lines, maps, filters, and what is pointed at.

import { colour, painted } from "../colours.js";
import { channelPart } from "./arithmetic.js";
import { brightest, workOf } from "./columns.js";
import { linesInto } from "./edges.js";
import { lightsOf } from "./lights.js";

const THUMBNAIL = 22;
const DIM = 0.16;
/** The maps of a column, one below the other, with a pixel for each value. */
const pile = document.createElement("canvas");

/** Paints everything; `pointed` is {index, map, row, column} or null. */
export function paint(context, { sight, layout, edges, filters, pointed }) {
  const scale = window.devicePixelRatio;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, layout.width, layout.height);
  context.imageSmoothingEnabled = false;
  const cell = pointed && pointed.index < sight.columns.length ? pointed : null;
  const own = cell && sight.columns[cell.index].mixes ? linesInto(sight, layout, cell.index, cell) : [];
  paintEdges(context, edges, cell ? DIM : 1);
  paintEdges(context, own, 1);
  sight.columns.forEach((column, index) => paintColumn(context, column, layout.columns[index]));
  paintFilters(context, filters, cell);
  paintFilters(context, cell ? kernelsOf(sight, own, cell) : [], null);
  if (cell) for (const light of lightsOf(sight, layout, cell)) paintFrame(context, light);
}

function paintEdges(context, edges, alpha) {
  for (const { x, y, toX, toY, share } of edges) {
    const strength = Math.abs(share);
    context.strokeStyle = colour(share === 0 ? "edge" : share > 0 ? "for" : "against");
    context.globalAlpha = alpha * (share === 0 ? 0.5 : 0.12 + 0.6 * strength);
    context.lineWidth = share === 0 ? 1 : 0.5 + 2.2 * strength;
    const bend = (toX - x) / 2;
    context.beginPath();
    context.moveTo(x, y);
    if (share === 0) context.lineTo(toX, toY);
    else context.bezierCurveTo(x + bend, y, toX - bend, toY, toX, toY);
    context.stroke();
  }
  context.globalAlpha = 1;
}

function paintColumn(context, column, place) {
  if (place.isSums) {
    paintSums(context, column, place);
    return;
  }
  const { values, most, shape } = column;
  const [rows, across] = place.across ? [Math.ceil(shape[0] / place.across), place.across] : [shape[1] * shape[0], shape[2]];
  pile.width = across;
  pile.height = rows;
  const image = new ImageData(across, rows);
  new Uint32Array(image.data.buffer).set(inkOr(column, values, most));
  pile.getContext("2d").putImageData(image, 0, 0);
  context.strokeStyle = colour("rule");
  context.lineWidth = 1;
  for (const item of place.items) {
    const high = place.across ? rows : shape[1];
    context.drawImage(pile, 0, item.map * high, across, high, item.x, item.y, item.width, item.height);
    context.strokeRect(item.x - 0.5, item.y - 0.5, item.width + 1, item.height + 1);
  }
}

/** The pixels for numbers of a column; for the picture, in shades of ink, where its lowest number is paper. */
function inkOr({ kind, values }, numbers, most) {
  if (kind !== "input") return painted(numbers, most);
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return painted(
    values.map((value) => value - low),
    high - low,
    true,
  );
}

/** The sums for the classes, each as a bar to the right or left of zero. */
function paintSums(context, { values, most }, place) {
  const middle = place.x + (place.width - 8) / 2;
  const reach = (place.width - 8) / 2;
  for (const { map, y, height } of place.items) {
    const length = (reach * values[map]) / (most || 1);
    context.fillStyle = colour(length > 0 ? "for" : "against");
    context.fillRect(Math.min(middle, middle + length), y + height * 0.25, Math.abs(length), height * 0.5);
  }
  context.fillStyle = colour("edge");
  context.fillRect(middle - 0.5, place.top, 1, place.height * place.items.length);
}

/** The first convolution's filters, each small in front of its map. Other kernels are shown only for the map pointed at. */
export function filtersOf(sight, layout) {
  return sight.columns.flatMap((column, index) => {
    if (index !== 1 || column.kind !== "convolution" || !workOf(sight, column).filters) return [];
    return layout.columns[index].items.map((item) => {
      const line = { index, from: 0, to: item.map };
      const cell = brightest(column, item.map);
      return { ...thumbnail(sight, line, item.x - 6 - THUMBNAIL, item.y + item.height / 2), cell };
    });
  });
}

function thumbnail(sight, { index, from, to }, x, y) {
  const step = workOf(sight, sight.columns[index]);
  const [rows, columns] = step.filters.shape.slice(2);
  const { kernel } = channelPart(step, sight.columns[index - 1], { map: to, row: 0, column: 0 }, from);
  return { index, from, to, kernel, rows, columns, x, y: y - (THUMBNAIL * rows) / columns / 2, side: THUMBNAIL };
}

/** The kernels of all lines into the map that is pointed at, each beside the map over which it slides. */
function kernelsOf(sight, lines, { index }) {
  if (sight.columns[index].kind !== "convolution" || index === 1) return [];
  return lines.map((line) => thumbnail(sight, line, line.x + 4, line.y));
}

function paintFilters(context, filters, pointed) {
  for (const { index, to, kernel, rows, columns, x, y, side } of filters) {
    if (rows * columns === 1) continue;
    const most = Math.max(...kernel.map(Math.abs));
    const image = new ImageData(columns, rows);
    new Uint32Array(image.data.buffer).set(painted(kernel, most));
    pile.width = columns;
    pile.height = rows;
    pile.getContext("2d").putImageData(image, 0, 0);
    context.globalAlpha = pointed && !(pointed.index === index && pointed.map === to) ? 0.4 : 1;
    context.drawImage(pile, 0, 0, columns, rows, x, y, side, (side * rows) / columns);
    context.strokeStyle = colour("edge");
    context.lineWidth = 1;
    context.strokeRect(x - 0.5, y - 0.5, side + 1, (side * rows) / columns + 1);
  }
  context.globalAlpha = 1;
}

/** A frame around a cell or a window, and a thinner one around the map that it is in. */
function paintFrame(context, { box, isMap }) {
  const rings = isMap ? [["accent", 1]] : [["sheet-paper", 4], ["accent", 2]];
  for (const [name, thickness] of rings) {
    context.strokeStyle = colour(name);
    context.lineWidth = thickness;
    context.strokeRect(box.x - 1, box.y - 1, box.width + 2, box.height + 2);
  }
}
