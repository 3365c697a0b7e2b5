// The layout of the overview, in CSS pixels of its canvas.

import { isRow } from "./columns.js";

/** The gap between two maps, one below the other. */
const GAP = 8;
/** Gaps between columns, in sides of a map: where edges fan out, and where each map continues straight. */
const WIDE = 1.1;
const NARROW = 0.28;
/** The gap before the first convolution, in which its filters are shown too. */
const WIDEST = 1.7;
const SMALLEST = 32;
/** The smallest side of a map if the overview can be scrolled sideways, and the room for the picture's name on its left. */
const SMALLEST_SCROLLED = 44;
const MARGIN = 32;
const LARGEST = 68;
const LABELS = 60;
/** The room below a column for the number of maps that are not shown. */
const MORE = 22;
const ROW_WIDTH = 48;
const ROW_CELL = 14;
const SUMS = 48;
const BARS = 150;
const BARS_NARROW = 116;
const NARROW_SCREEN = 1100;
const BAR = 44;

/**
 * Layout: {width, height, columns, bars, side}. For each column, {x, top, across, items}, with items {map, x, y, width, height}
 * for the maps that there is room for; a row of values is one item, whose cells are arranged in `across` columns. The last linear
 * layer's sums are beside the bars, one for each class. `rem` is how many times as large as usual the page's type is. `inputBox`,
 * {x, y, side, right}, says where the picture is and where its column ends, if that is decided elsewhere.
 */
export function layOut(columns, { width, height, classes, inputBox = null, endsInSums, rem }) {
  const maps = columns.slice(1, endsInSums ? -1 : undefined);
  const inputShare = inputBox ? 0 : 1.5;
  let shares = inputShare;
  let fixed = inputBox ? inputBox.right : MARGIN;
  for (const [index, column] of maps.entries()) {
    shares += gapBefore(column, index);
    if (isRow(column)) fixed += ROW_WIDTH;
    else shares += 1;
  }
  shares += WIDE;
  const barsWidth = rem * (width < NARROW_SCREEN ? BARS_NARROW : BARS);
  fixed += (endsInSums ? SUMS : 0) + barsWidth;
  const side = Math.max(inputBox ? SMALLEST : SMALLEST_SCROLLED, Math.min(LARGEST * rem, (width - fixed) / shares));
  const needed = Math.ceil(fixed + shares * side);
  const room = { top: LABELS * rem, bottom: height - MORE * rem };
  const middle = (room.top + room.bottom) / 2;
  const placed = [placeInput(inputBox, side * inputShare, middle)];
  let x = inputBox ? inputBox.right : placed[0].x + placed[0].width;
  const slack = Math.max(0, width - needed) / Math.max(1, maps.filter((column) => column.mixes).length + 1);
  for (const [index, column] of maps.entries()) {
    x += gapBefore(column, index) * side + (column.mixes ? slack : 0);
    placed.push(isRow(column) ? placeRow(column, x, room) : placeMaps(column, x, side, room, middle));
    x += placed.at(-1).width;
  }
  x += WIDE * side + slack;
  const bars = placeBars(x, barsWidth, classes, room);
  if (endsInSums) {
    placed.push({ ...bars, x, width: SUMS, isSums: true, items: bars.rows.map((row) => ({ ...row, x, width: SUMS - 8 })) });
    bars.x += SUMS;
  }
  return { width: Math.max(width, needed), height, columns: placed, bars, side };
}

const gapBefore = (column, index) => (index === 0 ? WIDEST : column.mixes ? WIDE : NARROW);

function placeInput(box, side, middle) {
  const at = box ?? { x: MARGIN, y: middle - side / 2, side };
  const item = { map: 0, x: at.x, y: at.y, width: at.side, height: at.side };
  return { x: at.x, top: at.y, width: at.side, items: [item], hidden: 0 };
}

function placeMaps(column, x, side, room, middle) {
  const [count, rows, across] = column.shape;
  const height = (side * rows) / across;
  const fits = Math.max(1, Math.floor((room.bottom - room.top + GAP) / (height + GAP)));
  const shown = column.order.slice(0, fits);
  const spare = (room.bottom - room.top - shown.length * height) / shown.length;
  const pitch = height + Math.min(Math.max(GAP, spare), side / 2);
  const top = middle - (shown.length * pitch - (pitch - height)) / 2;
  const items = shown.map((map, line) => ({ map, x, y: top + line * pitch, width: side, height }));
  return { x, top, width: side, items, hidden: count - shown.length };
}

/** A row of values as one item, with as many cells side by side as needed for all of them to fit into the height. */
function placeRow(column, x, room) {
  const [count] = column.shape;
  const most = room.bottom - room.top;
  let across = 1;
  while (Math.ceil(count / across) * Math.min(ROW_CELL, ROW_WIDTH / across) > most) across += 1;
  const cell = Math.min(ROW_CELL, ROW_WIDTH / across);
  const height = Math.ceil(count / across) * cell;
  const y = (room.top + room.bottom - height) / 2;
  const item = { map: 0, x, y, width: across * cell, height };
  return { x, top: y, width: across * cell, across, cell, items: [item], hidden: 0 };
}

function placeBars(x, width, classes, room) {
  const height = Math.min(BAR, (room.bottom - room.top) / classes);
  const top = (room.top + room.bottom - height * classes) / 2;
  const rows = Array.from({ length: classes }, (_, map) => ({ map, y: top + map * height + height * 0.12, height: height * 0.76 }));
  return { x, top, height, width, rows };
}

/** Where a cell is: {x, y, width, height}; null if its map is not shown. */
export function boxOf(place, column, { map, row, column: across }) {
  if (place.across) {
    const { cell } = place;
    const item = place.items[0];
    return {
      x: item.x + (map % place.across) * cell,
      y: item.y + Math.floor(map / place.across) * cell,
      width: cell,
      height: cell,
    };
  }
  const item = place.items.find((one) => one.map === map);
  if (!item || place.isSums) return item ?? null;
  const [, rows, columns] = column.shape;
  const size = item.width / columns;
  return { x: item.x + across * size, y: item.y + (row * item.height) / rows, width: size, height: item.height / rows };
}

/** The cell at a point: {index of the column, map, row, column}; null if there is none. */
export function cellAt(layout, columns, x, y) {
  for (const [index, place] of layout.columns.entries()) {
    for (const item of place.items) {
      if (x < item.x || y < item.y || x >= item.x + item.width || y >= item.y + item.height) continue;
      if (place.isSums) return { index, map: item.map, row: 0, column: 0 };
      if (place.across) {
        const map = Math.floor((y - item.y) / place.cell) * place.across + Math.floor((x - item.x) / place.cell);
        return map < columns[index].shape[0] ? { index, map, row: 0, column: 0 } : null;
      }
      const [, rows, across] = columns[index].shape;
      const row = Math.floor(((y - item.y) / item.height) * rows);
      return { index, map: item.map, row, column: Math.floor(((x - item.x) / item.width) * across) };
    }
  }
  return null;
}
