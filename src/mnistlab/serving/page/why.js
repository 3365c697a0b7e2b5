// Shows which ink speaks for the answer, and which against it.

import { channels, colour, largest, mix, unpack } from "./colours.js";
import { explaining } from "./explaining.js";
import { share as shareOf, words } from "./i18n.js";

const CELL = 24;
/** Below this share of the strongest effect, a spot of ink counts as neutral and gets no sign. */
const FAINT = 0.12;

const canvas = document.getElementById("why");
canvas.width = 28 * CELL;
canvas.height = 28 * CELL;

export const refresh = explaining("why", draw);

function draw(shown) {
  const effects = unpack(shown.why).values;
  const most = largest(effects) || 1;
  const context = canvas.getContext("2d");
  context.fillStyle = colour("sheet-paper");
  context.fillRect(0, 0, canvas.width, canvas.height);
  const paper = channels("sheet-paper");
  const neutral = channels("neutral");
  let sumFor = 0;
  let sumAgainst = 0;
  for (let i = 0; i < 784; i += 1) {
    const ink = shown.pixels[i] / 255;
    const effect = effects[i] / most;
    if (effect > 0) sumFor += effect;
    else sumAgainst -= effect;
    if (ink === 0) continue;
    const spoken = mix(neutral, channels(effect > 0 ? "for" : "against"), Math.min(1, Math.abs(effect) * 1.5) ** 0.6);
    context.fillStyle = `rgb(${mix(paper, spoken, ink).map(Math.round)})`;
    const x = (i % 28) * CELL;
    const y = Math.floor(i / 28) * CELL;
    context.fillRect(x, y, CELL, CELL);
    if (ink > 0.4 && Math.abs(effect) > FAINT) drawSign(context, x, y, effect > 0);
  }
  const { value } = shown;
  const share = shareOf(sumFor / (sumFor + sumAgainst || 1), 0);
  document.getElementById("why-heading").textContent = words("whyHeading", { value });
  document.getElementById("why-for").textContent = words("whyFor", { value });
  document.getElementById("why-against").textContent = words("whyAgainst", { value });
  canvas.setAttribute("aria-label", words("whyLabel", { value, share }));
}

/** Draws a small + or −, so that spots for and against do not differ only in colour. */
function drawSign(context, x, y, positive) {
  const arm = CELL / 5;
  context.strokeStyle = colour("sheet-paper");
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x + CELL / 2 - arm, y + CELL / 2);
  context.lineTo(x + CELL / 2 + arm, y + CELL / 2);
  if (positive) {
    context.moveTo(x + CELL / 2, y + CELL / 2 - arm);
    context.lineTo(x + CELL / 2, y + CELL / 2 + arm);
  }
  context.stroke();
}
