// Draws for the tab "Learning": the loss curve, filters, and what they find in the drawing.

import { colour, largest, painted } from "./colours.js";

const GAP = 4;
const PER_ROW = 8;
const DEEPER = 32;
const COURSE_HEIGHT = 84;

/** Makes a canvas sharp, `height` CSS pixels high and as wide as its place; returns its context, in CSS pixels, and the width. */
function prepared(canvas, heightOf) {
  const width = canvas.parentElement.clientWidth;
  const height = heightOf(width);
  const scale = window.devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return { context, width, height };
}

/** Draws the loss over the steps, above the slider, with each whole state in the middle of its column. */
export function drawCourse(canvas, { whole, steps, losses }, now) {
  const { context, width, height } = prepared(canvas, () => COURSE_HEIGHT);
  const most = Math.max(...losses.filter((loss) => loss !== null));
  const x = (step) => {
    const after = Math.max(1, whole.findIndex((kept) => kept >= step));
    const [from, to] = [whole[after - 1], whole[after]];
    return ((after - 0.5 + (step - from) / (to - from)) * width) / whole.length;
  };
  const y = (loss) => 8 + (1 - loss / most) * (height - 12);
  const points = steps.map((step, i) => [x(step), losses[i]]).filter(([, loss]) => loss !== null);
  context.strokeStyle = colour("edge");
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.beginPath();
  for (const [at, loss] of points) context.lineTo(at, y(loss));
  context.stroke();
  const step = whole[now];
  const loss = losses[steps.indexOf(step)];
  context.strokeStyle = colour("accent");
  context.fillStyle = colour("accent");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x(step), loss === null ? y(most) : y(loss));
  context.lineTo(x(step), height);
  context.stroke();
  if (loss === null) return;
  context.beginPath();
  context.arc(x(step), y(loss), 5, 0, 2 * Math.PI);
  context.fill();
}

/** Draws the first convolution's filters and, below each, the map that it makes of the drawing, if there is one. */
export function drawFilters(canvas, film, index, look) {
  const own = film.networks.map(({ layers }) => layers.find(({ kind }) => kind === "convolution"));
  const [count, , rows, columns] = own[0].shape;
  const most = Math.max(...own.map(({ weights }) => largest(weights))); // over all states, so that the filters are seen to grow
  const filters = { values: own[index].weights, shape: [count, rows, columns], most };
  const shown = Math.min(count, 2 * PER_ROW);
  const lines = look ? [filters, mapsOf(look.outputs)[0]] : [filters];
  drawTiles(canvas, lines, shown);
}

/** Draws the maps of the second convolution's block; returns whether there are any. */
export function drawMaps(canvas, look) {
  const maps = look && mapsOf(look.outputs)[1];
  canvas.hidden = !maps;
  if (maps) drawTiles(canvas, [maps], Math.min(DEEPER, maps.shape[0]));
  return Boolean(maps);
}

/** The maps that each block of layers passes on: the input of the next convolution, or of the row of values. */
function mapsOf(outputs) {
  return outputs
    .filter(({ shape, layer }, i) => {
      const next = outputs[i + 1]?.layer.kind;
      const isPrepared = ["picture", "contrast"].includes(layer.kind);
      return !isPrepared && shape.length === 3 && ["convolution", "average", "flatten"].includes(next);
    })
    .map((output) => ({ ...output, most: largest(output.values) }));
}

const pile = document.createElement("canvas");

/** Draws tiles side by side; in several `lines`, tiles with the same number are below each other. */
function drawTiles(canvas, lines, count) {
  const tileOf = (width) => (width + GAP) / PER_ROW - GAP;
  const groups = Math.ceil(count / PER_ROW);
  const between = lines.length > 1 ? 2 * GAP : 0;
  const { context, width } = prepared(
    canvas,
    (wide) => groups * lines.length * (tileOf(wide) + GAP) - GAP + (groups - 1) * between,
  );
  const side = tileOf(width);
  context.imageSmoothingEnabled = false;
  lines.forEach(({ values, shape: [, rows, columns], most }, line) => {
    pile.width = columns;
    pile.height = rows * count;
    const image = new ImageData(columns, rows * count);
    const pixels = painted(values.subarray(0, rows * columns * count), most);
    new Uint32Array(image.data.buffer).set(pixels);
    pile.getContext("2d").putImageData(image, 0, 0);
    for (let tile = 0; tile < count; tile += 1) {
      const group = Math.floor(tile / PER_ROW);
      const top = (group * lines.length + line) * (side + GAP) + group * between;
      const left = (tile % PER_ROW) * (side + GAP);
      context.drawImage(pile, 0, tile * rows, columns, rows, left, top, side, side);
    }
  });
}
