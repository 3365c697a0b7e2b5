// Turns a drawing into a short text, for a link and for this tab; and reads what follows the # in the page's address.
//
// The text is base64url of bytes: a version; then, for each stroke, its width, how many points it has (two bytes, the low one
// first), and the points in units of the grid. A point is one byte, its offset from the point before (4 bits across, 4 down);
// if the point is too far away, it is the byte FAR and two coordinates.

const VERSION = 1;
const GRID = 4; // the grid's unit, in the sheet's units
const SPARSE = 5; // points closer than this many units of the grid to the point before are left out
const REACH = 7;
const FAR = 0x88;
const MOST_POINTS = 65535;

const toGrid = (value) => Math.min(255, Math.max(0, Math.round(value / GRID)));

/** The points of a stroke that a link keeps, in units of the grid; all points of a stroke that came from a link. */
function thinned(points) {
  const kept = [];
  points.forEach(({ x, y }, i) => {
    const point = [toGrid(x), toGrid(y)];
    const last = kept.at(-1);
    const away = last ? Math.hypot(point[0] - last[0], point[1] - last[1]) : Infinity;
    if (away >= SPARSE || (i === points.length - 1 && away > 0)) kept.push(point);
  });
  return kept.slice(0, MOST_POINTS);
}

export function encode(strokes) {
  const bytes = [VERSION];
  for (const { width, points } of strokes) {
    const kept = thinned(points);
    bytes.push(Math.round(width), kept.length & 255, kept.length >> 8);
    let last = [Infinity, Infinity];
    for (const [x, y] of kept) {
      const [across, down] = [x - last[0], y - last[1]];
      if (Math.abs(across) <= REACH && Math.abs(down) <= REACH) bytes.push(((across & 15) << 4) | (down & 15));
      else bytes.push(FAR, x, y);
      last = [x, y];
    }
  }
  const text = bytes.map((byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The strokes given to `encode`, slightly simplified. Throws a RangeError for text that is not from a link. */
export function decode(text) {
  const bytes = bytesOf(text);
  let at = 0;
  const next = () => {
    if (at >= bytes.length) throw new RangeError("the drawing is cut off");
    at += 1;
    return bytes[at - 1];
  };
  if (next() !== VERSION) throw new RangeError("the drawing is of another version");
  const strokes = [];
  while (at < bytes.length) {
    const width = next();
    const count = next() + 256 * next();
    if (width < 1 || count < 1) throw new RangeError("a stroke has no width or no points");
    const points = [];
    let [x, y] = [0, 0];
    for (let i = 0; i < count; i += 1) {
      const byte = next();
      if (byte === FAR) {
        x = next();
        y = next();
      } else {
        x += signed(byte >> 4);
        y += signed(byte & 15);
      }
      points.push({ x: x * GRID, y: y * GRID });
    }
    strokes.push({ width, points });
  }
  return strokes;
}

const signed = (nibble) => (nibble > 7 ? nibble - 16 : nibble);

function bytesOf(text) {
  try {
    return Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  } catch {
    throw new RangeError("the drawing is not base64");
  }
}

/** Removes the value with that name from the address, and returns it: XYZ for #token=XYZ&d=.... Null if there is none. */
export function takeFromAddress(name) {
  const given = new URLSearchParams(location.hash.slice(1));
  const value = given.get(name);
  if (value === null) return null;
  given.delete(name);
  const rest = String(given);
  history.replaceState(null, "", location.pathname + location.search + (rest && `#${rest}`));
  return value;
}

export const linkTo = (strokes) => `${location.origin}${location.pathname}#d=${encode(strokes)}`;
