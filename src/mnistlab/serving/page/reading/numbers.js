// What numpy does with numbers: rounding, sorting, quantiles.

/** Rounds half to even, as numpy, Python and OpenCV do. */
export function roundEven(number) {
  const near = Math.round(number);
  return near - number === 0.5 && near % 2 !== 0 ? near - 1 : near;
}

export const clip = (value, low, high) => Math.min(high, Math.max(low, value));

/** The indices of the values, smallest value first; equal values stay in order. */
export function argsort(values) {
  const order = Array.from(values, (_, i) => i);
  return order.sort((a, b) => values[a] - values[b] || a - b);
}

/** A sorted Float64Array of the values. */
const sorted = (values) => Float64Array.from(values).sort();

function between(ordered, share) {
  const at = share * (ordered.length - 1);
  const low = Math.floor(at);
  const high = Math.min(ordered.length - 1, low + 1);
  const away = ordered[high] - ordered[low];
  const t = at - low;
  return t >= 0.5 ? ordered[high] - away * (1 - t) : ordered[low] + away * t;
}

/** numpy.quantile of values for each share. */
export function quantiles(values, shares) {
  const ordered = values instanceof Uint8Array ? counted(values) : sorted(values);
  return shares.map((share) => between(ordered, share));
}

/** 8-bit values, smallest first, sorted by counting them. */
function counted(values) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < values.length; i += 1) counts[values[i]] += 1;
  const made = new Uint8Array(values.length);
  let at = 0;
  for (let value = 0; value < 256; value += 1) made.fill(value, at, (at += counts[value]));
  return made;
}

export const quantile = (values, share) => quantiles(values, [share])[0];

export function median(values) {
  const ordered = sorted(values);
  const half = ordered.length >> 1;
  return ordered.length % 2 ? ordered[half] : (ordered[half - 1] + ordered[half]) / 2;
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export function largest(values) {
  let most = -Infinity;
  for (let i = 0; i < values.length; i += 1) if (values[i] > most) most = values[i];
  return most;
}

export function smallest(values) {
  let least = Infinity;
  for (let i = 0; i < values.length; i += 1) if (values[i] < least) least = values[i];
  return least;
}
