// What lights up with a cell: itself, its map, its window in the step before, and its receptive field in the picture.

import { windowCells } from "./arithmetic.js";
import { isRow, workOf } from "./columns.js";
import { boxOf } from "./layout.js";

/** The boxes that light up in the overview: [{box, isMap}]. */
export function lightsOf(sight, layout, cell) {
  const { index } = cell;
  const column = sight.columns[index];
  const place = layout.columns[index];
  const lights = [];
  const item = place.items.find(({ map }) => map === cell.map);
  if (item && !place.across) lights.push({ box: item, isMap: true });
  const box = boxOf(place, column, cell);
  if (box) lights.push({ box });
  if (index === 0) return lights;
  const before = sight.columns[index - 1];
  const source = layout.columns[index - 1];
  const cells = cellsBefore(sight, index, cell);
  if (cells.length > 0 && !isRow(before)) {
    for (const { map } of source.items) {
      if (!column.mixes && map !== cell.map) continue;
      const boxes = cells.map((one) => boxOf(source, before, { ...one, map }));
      lights.push({ box: around(boxes) });
    }
  }
  const { field } = sight.layers[column.layers[0]];
  if (field && index > 1) lights.push({ box: fieldBox(layout.columns[0].items[0], field, cell) });
  return lights;
}

/** The cells in each input map from which a cell is computed: those of a window, or the one in the same place. */
function cellsBefore(sight, index, cell) {
  const column = sight.columns[index];
  const before = sight.columns[index - 1];
  const step = workOf(sight, column);
  if (column.kind === "convolution" || column.kind === "pooling") {
    return step.window ? windowCells(step, before.shape, cell).filter((one) => one !== null) : [];
  }
  return column.kind === "relu" && !isRow(column) ? [cell] : [];
}

function around(boxes) {
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** The part of the picture that a cell sees. */
export function fieldOf({ size, step, start }, { row, column }) {
  const span = (cell) => {
    const from = start + cell * step;
    return [Math.max(0, Math.round(from)), Math.min(28, Math.round(from + size))];
  };
  const [top, bottom] = span(row);
  const [left, right] = span(column);
  return { top, left, height: bottom - top, width: right - left };
}

function fieldBox(item, field, cell) {
  const { top, left, height, width } = fieldOf(field, cell);
  const pixel = item.width / 28;
  return { x: item.x + left * pixel, y: item.y + top * pixel, width: width * pixel, height: height * pixel };
}
