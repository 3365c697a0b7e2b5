// Makes a picture to save: the drawing, the answer, and a panel's canvases, in the colours of the page.

import { colour } from "./colours.js";
import { drawStrokes, HEIGHT, WIDTH } from "./drawing.js";
import { percent } from "./i18n.js";
import { chosenDigit, modelById, shownValue, state } from "./state.js";

const SIDE = 1600;
const EDGE = 64;
const SHEET = 620; // the sheet's width in pixels
const ROW = 46;

const fontOf = (selector) => getComputedStyle(document.querySelector(selector)).fontFamily;

/** Draws `strokes`, the answer to the chosen digit, and below them `canvases`, one below the other; returns a canvas. */
export function poster(strokes, canvases = []) {
  const shown = canvases.filter((canvas) => canvas.width > 0 && canvas.height > 0);
  const wide = SIDE - 2 * EDGE;
  const heights = shown.map(({ width, height }) => (height * wide) / width);
  const top = EDGE + Math.max((SHEET * HEIGHT) / WIDTH, 10 * ROW) + EDGE;
  const made = document.createElement("canvas");
  made.width = SIDE;
  made.height = Math.ceil(top + heights.reduce((sum, height) => sum + height + EDGE, 0));
  const context = made.getContext("2d");
  context.fillStyle = colour("paper");
  context.fillRect(0, 0, made.width, made.height);
  drawSheet(context, strokes);
  const digit = chosenDigit();
  if (digit) drawAnswer(context, digit);
  let y = top;
  shown.forEach((canvas, i) => {
    context.drawImage(canvas, EDGE, y, wide, heights[i]);
    y += heights[i] + EDGE;
  });
  return made;
}

function drawSheet(context, strokes) {
  context.save();
  context.translate(EDGE, EDGE);
  context.scale(SHEET / WIDTH, SHEET / WIDTH);
  context.fillStyle = colour("sheet-paper");
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.strokeStyle = colour("rule");
  context.lineWidth = 2;
  context.strokeRect(0, 0, WIDTH, HEIGHT);
  context.beginPath();
  context.rect(0, 0, WIDTH, HEIGHT);
  context.clip();
  drawStrokes(context, strokes, colour("ink"));
  context.restore();
}

function drawAnswer(context, digit) {
  const [serif, sans] = [fontOf(".wordmark"), fontOf("body")];
  const left = EDGE + SHEET + EDGE;
  context.fillStyle = colour(digit.accepted ? "ink" : "muted");
  context.textBaseline = "middle";
  context.font = `220px ${serif}`;
  context.fillText(shownValue(digit), left, EDGE + 5 * ROW, 240);
  const classes = modelById(state.reading.model)?.classes ?? [];
  const likeliest = digit.probabilities
    .map((probability, index) => ({ probability, name: classes[index] ?? String(index) }))
    .sort((one, other) => other.probability - one.probability)
    .slice(0, 10)
    .sort((one, other) => classes.indexOf(one.name) - classes.indexOf(other.name));
  const best = Math.max(...digit.probabilities);
  const start = left + 330;
  const most = SIDE - EDGE - 130 - start;
  likeliest.forEach(({ probability, name }, i) => {
    const y = EDGE + (i + 0.5) * ROW;
    const isBest = probability === best;
    context.fillStyle = colour("rule");
    context.fillRect(start, y - 1, most, 2);
    context.fillStyle = colour(isBest ? "accent" : "muted");
    context.fillRect(start, y - 9, most * probability, 18);
    context.fillStyle = colour(isBest ? "ink" : "muted");
    context.font = `30px ${serif}`;
    context.textAlign = "right";
    context.fillText(name, start - 20, y, 100);
    context.font = `26px ${sans}`;
    context.fillText(percent(probability), SIDE - EDGE, y);
    context.textAlign = "left";
  });
}
