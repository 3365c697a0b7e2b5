// Pictures as arrays, and OpenCV's operations on them: sizes, frames, rotations.
//
// A picture is {width, height, channels, values}: rows from the top, a pixel's channels next to each other.

import { cubic } from "../bicubic.js";
import { clip, roundEven } from "./numbers.js";

export const picture = (width, height, values, channels = 1) => ({ width, height, channels, values });

/** A picture of the same size and kind with other values. */
export const like = ({ width, height, channels }, values) => picture(width, height, values, channels);

export const empty = (width, height, channels = 1) => picture(width, height, new Uint8Array(width * height * channels), channels);

export const longestSide = ({ width, height }) => Math.max(width, height);

/** A part of a picture. */
export function part({ width, channels, values }, left, top, wide, high) {
  const made = new values.constructor(wide * high * channels);
  for (let row = 0; row < high; row += 1) {
    const from = ((top + row) * width + left) * channels;
    made.set(values.subarray(from, from + wide * channels), row * wide * channels);
  }
  return picture(wide, high, made, channels);
}

/** Ways to fill a border: for a place outside a side, which place inside stands for it. */
export const BORDERS = {
  replicate: (at, side) => clip(at, 0, side - 1),
  reflect: (at, side) => {
    let place = at;
    while (place < 0 || place >= side) place = place < 0 ? -1 - place : 2 * side - 1 - place;
    return place;
  },
  reflect101: (at, side) => {
    if (side === 1) return 0;
    let place = at;
    while (place < 0 || place >= side) place = place < 0 ? -place : 2 * side - 2 - place;
    return place;
  },
};

/** The picture with that many more pixels on each side, filled as `border` says: as one of `BORDERS`, or with a number. */
export function framed(given, top, bottom, left, right, border) {
  const { width, height, channels, values } = given;
  const [wide, high] = [width + left + right, height + top + bottom];
  const made = new values.constructor(wide * high * channels);
  if (typeof border === "number") {
    if (border) made.fill(border);
    for (let row = 0; row < height; row += 1)
      made.set(values.subarray(row * width * channels, (row + 1) * width * channels), ((row + top) * wide + left) * channels);
    return picture(wide, high, made, channels);
  }
  const line = width * channels;
  const outside = [...Array(left).keys(), ...Array.from({ length: right }, (_, i) => left + width + i)];
  const inside = outside.map((column) => border(column - left, width));
  for (let row = 0; row < high; row += 1) {
    const [from, to] = [border(row - top, height) * line, row * wide * channels];
    made.set(values.subarray(from, from + line), to + left * channels);
    for (let i = 0; i < outside.length; i += 1)
      for (let c = 0; c < channels; c += 1) made[to + outside[i] * channels + c] = values[from + inside[i] * channels + c];
  }
  return picture(wide, high, made, channels);
}

/** For each place along the new side, the old places from which it is made, with their weights: [[at, weight], ...]. */
const WAYS = {
  area(side, wanted) {
    const scale = side / wanted;
    return Array.from({ length: wanted }, (_, place) => {
      const [begin, end] = [place * scale, place * scale + scale];
      const cell = Math.min(scale, side - begin);
      const last = Math.min(Math.floor(end), side - 1);
      const first = Math.min(Math.ceil(begin), last);
      const parts = [];
      if (first - begin > 1e-3) parts.push([first - 1, Math.fround((first - begin) / cell)]);
      for (let at = first; at < last; at += 1) parts.push([at, Math.fround(1 / cell)]);
      if (end - last > 1e-3) parts.push([last, Math.fround(Math.min(Math.min(end - last, 1), cell) / cell)]);
      return parts;
    });
  },
  cubic(side, wanted) {
    return placesOf(side, wanted).map(([first, t]) => {
      const weights = cubic(t).slice(0, 3).map(Math.fround);
      weights.push(Math.fround(1 - weights[0] - weights[1] - weights[2]));
      return weights.map((weight, i) => [clip(first - 1 + i, 0, side - 1), weight]);
    });
  },
};

/** For each new place, the old place before it, and the distance between the two. */
function placesOf(side, wanted) {
  const scale = 1 / (wanted / side);
  return Array.from({ length: wanted }, (_, place) => {
    const at = Math.fround((place + 0.5) * scale - 0.5);
    return [Math.floor(at), Math.fround(at - Math.floor(at))];
  });
}

/** The picture (8 bits) resized to that width and height by the method of that name. */
export function resize(given, width, height, way) {
  if (width === given.width && height === given.height) return given;
  if (way === "linear" || (way === "area" && (width > given.width || height > given.height)))
    return between(given, width, height, way === "linear");
  if (way === "area" && given.width % width === 0 && given.height % height === 0) return shrunkEvenly(given, width, height);
  const { channels, values } = given;
  const across = WAYS[way](given.width, width);
  const down = WAYS[way](given.height, height);
  const rows = new Float32Array(given.height * width * channels);
  for (let row = 0; row < given.height; row += 1) {
    across.forEach((parts, column) => {
      for (let c = 0; c < channels; c += 1) {
        let sum = 0;
        for (let i = 0; i < parts.length; i += 1)
          sum = Math.fround(sum + Math.fround(values[(row * given.width + parts[i][0]) * channels + c] * parts[i][1]));
        rows[(row * width + column) * channels + c] = sum;
      }
    });
  }
  const made = new Uint8Array(width * height * channels);
  down.forEach((parts, row) => {
    for (let i = 0; i < width * channels; i += 1) {
      let sum = 0;
      for (let k = 0; k < parts.length; k += 1)
        sum = Math.fround(sum + Math.fround(rows[parts[k][0] * width * channels + i] * parts[k][1]));
      made[row * width * channels + i] = clip(roundEven(sum), 0, 255);
    }
  });
  return picture(width, height, made, channels);
}

/** Each pixel from two old neighbours, in integers of 2048ths as in OpenCV; unless `isSmooth`, only across old edges. */
function between(given, width, height, isSmooth) {
  const { channels, values } = given;
  const across = pairs(given.width, width, isSmooth);
  const rows = Array.from({ length: given.height }, (_, row) => {
    const [made, first] = [new Int32Array(width * channels), row * given.width];
    for (let column = 0; column < width; column += 1) {
      const [one, other, near, far] = across[column];
      for (let c = 0; c < channels; c += 1)
        made[column * channels + c] = (values[(first + one) * channels + c] * near + values[(first + other) * channels + c] * far) >> 4;
    }
    return made;
  });
  const made = new Uint8Array(width * height * channels);
  pairs(given.height, height, isSmooth).forEach(([one, other, near, far], row) => {
    const [above, below, first] = [rows[one], rows[other], row * width * channels];
    for (let i = 0; i < width * channels; i += 1)
      made[first + i] = (((near * above[i]) >> 16) + ((far * below[i]) >> 16) + 2) >> 2;
  });
  return picture(width, height, made, channels);
}

/** For each new place, its two old neighbours and their weights, in 2048ths. */
function pairs(side, wanted, isSmooth) {
  const places = isSmooth ? placesOf(side, wanted) : areasOf(side, wanted);
  return places.map(([first, t]) => {
    const [at, away] = first < 0 ? [0, 0] : first >= side - 1 ? [side - 1, 0] : [first, t];
    return [at, Math.min(at + 1, side - 1), roundEven((1 - away) * 2048), roundEven(away * 2048)];
  });
}

function areasOf(side, wanted) {
  return Array.from({ length: wanted }, (_, place) => {
    const at = Math.floor(place / (wanted / side));
    const t = Math.fround(place + 1 - (at + 1) * (wanted / side));
    return [at, t <= 0 ? 0 : Math.fround(t - Math.floor(t))];
  });
}

function shrunkEvenly(given, width, height) {
  const { channels, values } = given;
  const [wide, high] = [given.width / width, given.height / height];
  const made = new Uint8Array(width * height * channels);
  const share = Math.fround(1 / (wide * high));
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      for (let c = 0; c < channels; c += 1) {
        let sum = 0;
        for (let y = 0; y < high; y += 1)
          for (let x = 0; x < wide; x += 1) sum += values[((row * high + y) * given.width + column * wide + x) * channels + c];
        made[(row * width + column) * channels + c] = wide === 2 && high === 2 ? (sum + 2) >> 2 : roundEven(Math.fround(sum * share));
      }
    }
  }
  return picture(width, height, made, channels);
}

/** The picture smoothly scaled by `scale`. */
export function resized(given, scale) {
  if (scale === 1) return given;
  const [width, height] = [given.width, given.height].map((side) => Math.max(1, roundEven(side * scale)));
  return resize(given, width, height, scale > 1 ? "cubic" : "area");
}

/** A red, green and blue picture in grey, with OpenCV's weights; a grey one unchanged. */
export function grey(given) {
  if (given.channels === 1) return given;
  const made = new Uint8Array(given.width * given.height);
  for (let i = 0, at = 0; i < made.length; i += 1, at += 3)
    made[i] = (given.values[at] * 9798 + given.values[at + 1] * 19235 + given.values[at + 2] * 3735 + 16384) >> 15;
  return picture(given.width, given.height, made);
}

/** The picture rotated by that many quarter turns, counterclockwise. */
export function turnedBy(given, quarters) {
  let { width, height, values } = given;
  for (let n = 0; n < quarters; n += 1) {
    const made = new values.constructor(values.length);
    for (let y = 0; y < width; y += 1) for (let x = 0; x < height; x += 1) made[y * height + x] = values[x * width + width - 1 - y];
    [width, height, values] = [height, width, made];
  }
  return picture(width, height, values);
}

/** The picture transposed. */
export function transposed({ width, height, values }) {
  const made = new values.constructor(values.length);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) made[x * height + y] = values[y * width + x];
  return picture(height, width, made);
}

/** The inverse of a matrix (2, 3), given as two rows. */
export function inverse([[a, b, c], [d, e, f]]) {
  const det = a * e - b * d;
  const [p, q, r, s] = [e / det, -b / det, -d / det, a / det];
  return [[p, q, -p * c - q * f], [r, s, -r * c - s * f]];
}

/** cv2.warpAffine of a grey picture: `back` maps the new pixels to the old ones. Outside, the picture is 0. */
export function warped({ width, height, values }, back, wide, high, isNearest = false) {
  const made = new Uint8Array(wide * high);
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : values[y * width + x]);
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const across = back[0][0] * x + back[0][1] * y + back[0][2];
      const down = back[1][0] * x + back[1][1] * y + back[1][2];
      if (isNearest) {
        made[y * wide + x] = at(roundEven(across), roundEven(down));
        continue;
      }
      const [left, top] = [Math.floor(across), Math.floor(down)];
      const [t, u] = [across - left, down - top];
      const above = at(left, top) * (1 - t) + at(left + 1, top) * t;
      const below = at(left, top + 1) * (1 - t) + at(left + 1, top + 1) * t;
      made[y * wide + x] = roundEven(above * (1 - u) + below * u);
    }
  }
  return picture(wide, high, made);
}
