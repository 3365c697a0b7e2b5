// Play: the window slides over the map, cell by cell, and paints it.

import { sides } from "./arithmetic.js";

/** A whole map takes about so long, in milliseconds. */
const LENGTH = 7000;

let playing = null;

export const isPlaying = () => playing !== null;
/** Up to where the map is painted by now: the number of its cells; Infinity where nothing plays. */
export const paintedSoFar = () => playing?.painted ?? Infinity;

/** Moves through all cells of the map that `shown` looks at, calling move(cell) for each; `ended()` once it is through. */
export function startPlaying(shown, move, ended) {
  const { index, map } = shown.cell;
  const [rows, columns] = sides(shown.sight.columns[index].shape);
  const count = rows * columns;
  const started = performance.now();
  playing = { painted: 0, frame: null };
  const step = () => {
    const at = Math.floor(((performance.now() - started) * count) / LENGTH);
    if (at >= count) {
      stopPlaying();
      ended();
      return;
    }
    if (at + 1 !== playing.painted) {
      playing.painted = at + 1;
      move({ index, map, row: Math.floor(at / columns), column: at % columns });
    }
    playing.frame = requestAnimationFrame(step);
  };
  playing.frame = requestAnimationFrame(step);
}

export function stopPlaying() {
  if (playing) cancelAnimationFrame(playing.frame);
  playing = null;
}
