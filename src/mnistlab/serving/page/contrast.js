// Evens out light and contrast, as mnistlab.networks.contrast does: each pixel minus the mean around it, divided by the
// standard deviation.

/** The mean over the square around each value, as far as the square lies inside the picture. */
function around(values, height, width, half) {
  const mean = (of, at, step, place, side) => {
    let sum = 0;
    const first = Math.max(0, place - half);
    const last = Math.min(side - 1, place + half);
    for (let i = first; i <= last; i += 1) sum += of[at + (i - place) * step];
    return sum / (last - first + 1);
  };
  const rows = Float32Array.from(values, (_, i) => mean(values, i, 1, i % width, width));
  return Float32Array.from(rows, (_, i) => mean(rows, i, width, Math.floor(i / width), height));
}

export function evenedOut({ window, whole, little }, { values, shape }) {
  const [, height, width] = shape;
  const half = Math.floor(window / 2);
  const means = around(values, height, width, half);
  const away = Float32Array.from(values, (value, i) => value - means[i]);
  const squared = away.map((value) => value * value);
  const deviations = around(squared, height, width, half);
  const all = Math.sqrt(squared.reduce((sum, value) => sum + value, 0) / squared.length);
  return { shape, values: away.map((value, i) => value / (Math.sqrt(deviations[i]) + whole * all + little)) };
}
