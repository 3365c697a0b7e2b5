// Shows the window sliding over the map, cell by cell from the chosen cell on, and painting the map.

import { indexOf, sides } from "./arithmetic.js";

/** A whole map takes about this long, in milliseconds. */
const LENGTH = 7000;

/** What is playing or paused: {first, count, painted, spent, frame}; `frame` is null while it is paused. */
let playing = null;

export const isPaused = () => playing !== null && playing.frame === null;
export const isPlaying = () => playing !== null && !isPaused();

/** Whether the cell with this index in its map is painted by now; if nothing is playing, every cell is. */
export const isPainted = (index) => !playing || (index - playing.first + playing.count) % playing.count < playing.painted;

/**
 * Continues, or starts at the cell that `shown` selects, and goes through all cells of its map until it is back. Calls move(cell)
 * for each, and `ended()` at the end.
 */
export function startPlaying(shown, move, ended) {
  const { index, map, row, column } = shown.cell;
  const shape = sides(shown.sight.columns[index].shape);
  const [rows, columns] = shape;
  const count = rows * columns;
  playing ??= { first: indexOf([1, ...shape], { map: 0, row, column }), count, painted: 0, spent: 0 };
  const started = performance.now() - playing.spent;
  const step = () => {
    playing.spent = performance.now() - started;
    const at = Math.floor((playing.spent * count) / LENGTH);
    const isThrough = at >= count;
    const here = (playing.first + at) % count;
    if (isThrough) stopPlaying();
    else playing.frame = requestAnimationFrame(step);
    if (!isThrough && at + 1 === playing.painted) return;
    if (playing) playing.painted = at + 1;
    move({ index, map, row: Math.floor(here / columns), column: here % columns });
    if (isThrough) ended();
  };
  playing.frame = requestAnimationFrame(step);
}

export function pausePlaying() {
  cancelAnimationFrame(playing.frame);
  playing.frame = null;
}

export function stopPlaying() {
  if (playing) cancelAnimationFrame(playing.frame);
  playing = null;
}
