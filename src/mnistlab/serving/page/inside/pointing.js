// Finds the value that is pointed at with mouse, finger or keys.

import { cellAt } from "./layout.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Calls point(cell or null) as the visitor moves over the canvas, and open(cell) for a click or Enter. `scene()` returns what is
 * being shown: {sight, layout, filters, pointed}.
 */
export function listen(canvas, { scene, point, open }) {
  const under = (event) => {
    const { sight, layout, filters } = scene();
    const { left, top } = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    return filterAt(filters, x, y) ?? cellAt(layout, sight.columns, x, y);
  };
  canvas.addEventListener("pointermove", (event) => scene() && point(under(event)));
  canvas.addEventListener("pointerdown", (event) => scene() && point(under(event)));
  canvas.addEventListener("click", (event) => {
    const cell = scene() && under(event);
    if (cell) open(cell);
  });
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && document.activeElement !== canvas) point(null);
  });
  canvas.addEventListener("focus", () => {
    if (scene() && !scene().pointed && canvas.matches(":focus-visible")) point(firstCell(scene()));
  });
  canvas.addEventListener("blur", () => point(null));
  canvas.addEventListener("keydown", (event) => {
    if (!scene()) return;
    const here = scene().pointed ?? firstCell(scene());
    if (ARROWS[event.key]) point(moved(scene(), here, ...ARROWS[event.key], event.shiftKey));
    else if (event.key === "Enter" || event.key === " ") open(here);
    else return;
    event.preventDefault();
  });
}

/** The cell that a filter leads to: the brightest one of its map, where the filter found most. */
function filterAt(filters, x, y) {
  const hit = filters.find((one) => x >= one.x && x < one.x + one.side && y >= one.y && y < one.y + one.side);
  return hit ? { index: hit.index, ...hit.cell } : null;
}

const firstCell = ({ layout }) => ({ index: 1, map: layout.columns[1]?.items[0].map ?? 0, row: 0, column: 0 });

/** The next cell in this direction; at the edge of a map, or with big steps, one in the next map or column. */
export function moved({ sight, layout }, cell, across, down, isBig) {
  const { index } = cell;
  const count = sight.columns.length;
  const place = layout.columns[index];
  if (across !== 0) {
    const next = isBig || index === count || place.isSums ? null : besides(sight, place, cell, across, 0);
    return next ?? inColumn({ sight, layout }, cell, index + across);
  }
  if (index === count) return inBars(cell, cell.map + down, sight.classes.length);
  if (place.isSums) return { ...cell, map: Math.min(Math.max(cell.map + down, 0), sight.classes.length - 1) };
  return (isBig ? null : besides(sight, place, cell, 0, down)) ?? inNextMap(place, sight.columns[index], cell, down);
}

const inBars = (cell, map, classes) => ({ ...cell, map: Math.min(Math.max(map, 0), classes - 1) });

/** The next cell of the same map, or null at its edge. */
function besides(sight, place, cell, across, down) {
  const { shape } = sight.columns[cell.index];
  if (place.across) {
    const column = (cell.map % place.across) + across;
    const map = cell.map + across + down * place.across;
    return column >= 0 && column < place.across && map >= 0 && map < shape[0] ? { ...cell, map } : null;
  }
  const [row, column] = [cell.row + down, cell.column + across];
  return row >= 0 && row < shape[1] && column >= 0 && column < shape[2] ? { index: cell.index, map: cell.map, row, column } : null;
}

function inNextMap(place, column, cell, down) {
  if (place.across) return cell;
  const line = place.items.findIndex(({ map }) => map === cell.map) + down;
  if (line < 0 || line >= place.items.length) return cell;
  return { ...cell, map: place.items[line].map, row: down > 0 ? 0 : column.shape[1] - 1 };
}

/** The cell at about the same height in another column. */
function inColumn({ sight, layout }, cell, index) {
  const count = sight.columns.length;
  if (index < 0 || index > count) return cell;
  const row = { row: 0, column: 0 };
  if (index === count || layout.columns[index].isSums) {
    const line = cell.index >= count - 1 ? cell.map : sight.probabilities.indexOf(Math.max(...sight.probabilities));
    return { index, map: line, ...row };
  }
  const { items, across } = layout.columns[index];
  if (across) return { index, map: 0, ...row };
  const before = layout.columns[cell.index]?.items ?? [];
  const line = Math.max(0, before.findIndex(({ map }) => map === cell.map));
  const [, rows, columns] = sight.columns[index].shape;
  const old = sight.columns[cell.index]?.shape ?? [];
  const same = (at, length, size) => (length > 1 ? Math.min(size - 1, Math.floor(((at + 0.5) * size) / length)) : 0);
  return {
    index,
    map: items[Math.min(line, items.length - 1)].map,
    row: same(cell.row, old[1], rows),
    column: same(cell.column, old[2], columns),
  };
}
