// The first screen: a digit draws itself until the visitor's hand takes over.

import { nextExample } from "./examples.js";
import { HEIGHT, WIDTH } from "./drawing.js";
import { openTab } from "./tabs.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");
const roomy = matchMedia("(min-width: 1024px) and (min-height: 640px)");

/** Writes the next example as a hand would; stops if the visitor changes the sheet meanwhile. */
export async function playExample(sheet) {
  sheet.clear();
  for (const points of nextExample(WIDTH, HEIGHT)) {
    sheet.begin(points[0]);
    const stroke = sheet.strokes.at(-1);
    for (const [i, point] of points.entries()) {
      if (i % 2 === 0 && !still.matches) {
        sheet.note(performance.now());
        await new Promise(requestAnimationFrame);
        if (sheet.strokes.at(-1) !== stroke) return;
      }
      sheet.extend(point);
    }
    sheet.note(performance.now());
  }
}

let isPlaying = false;

/** Whether the drawing on the sheet drew itself, and nobody has touched it yet. */
export const isUntouched = () => isPlaying;

/**
 * Draws a digit on the empty sheet, while the page shows the network at a glance if there is room. The first touch or key removes
 * the digit again. Does nothing if the visitor wants no motion.
 */
export function startIntro(sheet) {
  if (still.matches) return;
  if (roomy.matches) openTab("inside");
  isPlaying = true;
  playExample(sheet);
  const takeOver = () => endIntro(sheet);
  sheet.canvas.parentElement.addEventListener("pointerdown", takeOver, { capture: true, once: true });
  sheet.canvas.parentElement.addEventListener("keydown", takeOver, { capture: true, once: true });
}

export function endIntro(sheet) {
  if (!isPlaying) return;
  isPlaying = false;
  sheet.wipe();
}

/** From now on the drawing is the visitor's: they have pressed one of the sheet's buttons. */
export function adoptIntro() {
  isPlaying = false;
}
