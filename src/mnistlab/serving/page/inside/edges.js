// The lines from map to map: what each map adds to the brightest cell of each map in the next column, or to the cell pointed at.

import { brightest, contributions, isRow } from "./columns.js";
import { boxOf } from "./layout.js";

/** Lines below this share of the strongest line into a map are not drawn, unless the map is pointed at. */
const FAINT = 0.15;
/** The most lines into a map. */
const MOST = 4;
/** The most lines into a row of values. */
const MOST_OF_ROW = 48;

/**
 * Lines: {index, from, to, x, y, toX, toY, share}, from map `from` of the column before to map `to` of column `index`; `share`,
 * -1 to 1, is relative to the strongest line into the same map. There are lines only between maps that are shown.
 */
export function edgesOf(sight, layout) {
  return sight.columns.flatMap((column, index) => {
    if (index === 0) return [];
    if (!column.mixes) return straight(layout, index);
    if (isRow(column) && !layout.columns[index].isSums) return intoRow(sight, layout, index);
    return layout.columns[index].items.flatMap(({ map }) =>
      linesInto(sight, layout, index, brightest(column, map)).filter(({ share }) => Math.abs(share) > FAINT).slice(0, MOST),
    );
  });
}

function straight(layout, index) {
  const [before, place] = [layout.columns[index - 1], layout.columns[index]];
  if (before.across || place.across) return [];
  return place.items.map((item) => {
    const from = before.items.find(({ map }) => map === item.map);
    const [y, toY] = [from ?? item, item].map((one) => one.y + one.height / 2);
    return { index, from: item.map, to: item.map, x: before.x + before.width, y, toX: item.x, toY, share: 0 };
  });
}

/** The lines into one cell of a column that mixes, strongest first. */
export function linesInto(sight, layout, index, cell) {
  const [before, place] = [layout.columns[index - 1], layout.columns[index]];
  const parts = contributions(sight, index, cell);
  const most = Math.max(...[...parts.values()].map(Math.abs), Number.MIN_VALUE);
  const end = boxOf(place, sight.columns[index], cell);
  if (!end) return [];
  const item = place.across ? end : place.items.find(({ map }) => map === cell.map);
  return [...parts]
    .sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
    .flatMap(([map, part]) => {
      const start = before.across
        ? boxOf(before, sight.columns[index - 1], { map, row: 0, column: 0 })
        : before.items.find((one) => one.map === map);
      if (!start) return [];
      const [x, y] = [start.x + start.width, start.y + start.height / 2];
      return [{ index, from: map, to: cell.map, x, y, toX: item.x, toY: item.y + item.height / 2, part, share: part / most }];
    });
}

function intoRow(sight, layout, index) {
  const lines = [];
  for (let map = 0; map < sight.columns[index].shape[0]; map += 1) {
    lines.push(...linesInto(sight, layout, index, { map, row: 0, column: 0 }).slice(0, 2));
  }
  lines.sort((a, b) => Math.abs(b.part) - Math.abs(a.part));
  const most = Math.abs(lines[0]?.part ?? 1);
  return lines.slice(0, MOST_OF_ROW).map((line) => ({ ...line, share: line.part / most }));
}
