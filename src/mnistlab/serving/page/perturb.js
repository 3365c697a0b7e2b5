// Ways to spoil a 28x28 picture. Each takes and returns grey values from 0 to 255 (Float32Array of 784).

const SIDE = 28;
const MIDDLE = (SIDE - 1) / 2;
const at = (pixels, x, y) => (x >= 0 && x < SIDE && y >= 0 && y < SIDE ? pixels[y * SIDE + x] : 0);

function fromEach(make) {
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => make(i % SIDE, Math.floor(i / SIDE)));
}

/** Rotates clockwise around the middle, with interpolated values. */
function turn(pixels, degrees) {
  const cosine = Math.cos((degrees * Math.PI) / 180);
  const sine = Math.sin((degrees * Math.PI) / 180);
  return fromEach((x, y) => {
    const fromX = MIDDLE + cosine * (x - MIDDLE) + sine * (y - MIDDLE);
    const fromY = MIDDLE - sine * (x - MIDDLE) + cosine * (y - MIDDLE);
    const left = Math.floor(fromX);
    const top = Math.floor(fromY);
    const right = fromX - left;
    const down = fromY - top;
    return (
      (1 - down) * ((1 - right) * at(pixels, left, top) + right * at(pixels, left + 1, top)) +
      down * ((1 - right) * at(pixels, left, top + 1) + right * at(pixels, left + 1, top + 1))
    );
  });
}

/** Each pixel becomes the largest (or smallest) of itself and its four neighbours: strokes one pixel thicker (or thinner). */
function grow(pixels, choose) {
  return fromEach((x, y) =>
    choose(at(pixels, x, y), at(pixels, x - 1, y), at(pixels, x + 1, y), at(pixels, x, y - 1), at(pixels, x, y + 1)),
  );
}

function thicken(pixels, amount) {
  const choose = amount > 0 ? Math.max : Math.min;
  let grown = pixels;
  for (let left = Math.abs(amount); left > 0; left -= 1) {
    const next = grow(grown, choose);
    const share = Math.min(1, left);
    grown = grown.map((value, i) => value + share * (next[i] - value));
  }
  return grown;
}

function blur(pixels, sigma) {
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight);
  const along = (source, dx, dy) =>
    fromEach((x, y) => {
      let sum = 0;
      weights.forEach((weight, i) => (sum += weight * at(source, x + dx * (i - reach), y + dy * (i - reach))));
      return sum / total;
    });
  return along(along(pixels, 1, 0), 0, 1);
}

/** Normally distributed numbers, drawn once: the noise is always the same, so that the picture does not flicker. */
const NOISE = (() => {
  let seed = 20;
  const uniform = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return fromEach(() => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
})();

function addNoise(pixels, amount) {
  return pixels.map((value, i) => value + 160 * amount * NOISE[i]);
}

function erase(pixels, size, { x: middleX, y: middleY }) {
  const left = Math.round(middleX - size / 2);
  const top = Math.round(middleY - size / 2);
  return pixels.map((value, i) => {
    const x = i % SIDE;
    const y = Math.floor(i / SIDE);
    return x >= left && x < left + size && y >= top && y < top + size ? 0 : value;
  });
}

/** The picture (784 bytes) with all the changes in `amounts` applied, as bytes again. */
export function perturb(bytes, amounts, patch) {
  let pixels = Float32Array.from(bytes);
  if (amounts.thick !== 0) pixels = thicken(pixels, amounts.thick);
  if (amounts.turn !== 0) pixels = turn(pixels, amounts.turn);
  if (amounts.blur > 0) pixels = blur(pixels, amounts.blur);
  if (amounts.erase > 0) pixels = erase(pixels, amounts.erase, patch);
  if (amounts.noise > 0) pixels = addNoise(pixels, amounts.noise);
  return Uint8Array.from(pixels, (value) => Math.min(255, Math.max(0, Math.round(value))));
}
