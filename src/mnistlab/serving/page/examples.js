// Digits as people draw them: the strokes of each, as points in a box 60 wide and 100 high.

const SHAPES = {
  0: [[[38, 4], [15, 16], [4, 50], [13, 86], [33, 97], [53, 81], [58, 48], [50, 14], [36, 3]]],
  1: [[[14, 28], [27, 17], [38, 3]], [[38, 3], [37, 50], [35, 98]]],
  2: [[[8, 26], [16, 8], [34, 3], [50, 14], [50, 34], [36, 60], [18, 82], [5, 96]], [[5, 96], [30, 93], [58, 95]]],
  3: [[[8, 14], [28, 3], [48, 13], [45, 34], [24, 46]], [[24, 46], [49, 53], [56, 74], [42, 94], [19, 97], [4, 86]]],
  4: [[[34, 2], [21, 34], [4, 64]], [[4, 64], [30, 65], [60, 62]], [[45, 38], [44, 68], [40, 99]]],
  5: [[[16, 4], [13, 24], [10, 44]], [[10, 44], [31, 37], [52, 49], [54, 74], [38, 94], [17, 96], [4, 88]], [[16, 4], [34, 5], [54, 3]]],
  6: [[[46, 4], [24, 24], [9, 56], [11, 84], [30, 97], [50, 86], [52, 67], [36, 55], [17, 62], [10, 74]]],
  7: [[[4, 8], [30, 7], [58, 5]], [[58, 5], [42, 42], [29, 74], [22, 98]]],
  8: [[[50, 16], [31, 3], [13, 13], [14, 34], [32, 48], [51, 66], [50, 88], [30, 98], [11, 88], [11, 66], [31, 48], [48, 33], [51, 17]]],
  9: [[[52, 22], [37, 4], [15, 9], [8, 29], [20, 45], [39, 42], [52, 24]], [[52, 24], [52, 60], [46, 98]]],
};
const NUMBERS = ["5", "2026", "8", "1789", "3", "42", "6", "314", "9", "2", "1905", "7", "4", "60", "1", "0"];
const BETWEEN = 8;

let next = 0;

/** Points between the given ones on a smooth curve through them (Catmull-Rom). */
function smooth(points) {
  const at = (i) => points[Math.min(points.length - 1, Math.max(0, i))];
  const curve = [];
  for (let i = 0; i < points.length - 1; i += 1) {
    for (let step = 0; step < BETWEEN; step += 1) {
      const t = step / BETWEEN;
      curve.push(
        [0, 1].map((axis) => {
          const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)].map((point) => point[axis]);
          return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
        }),
      );
    }
  }
  return [...curve, points.at(-1)];
}

/** The strokes of the next example, laid out on a sheet of this size. */
export function nextExample(width, height) {
  const number = NUMBERS[next % NUMBERS.length];
  next += 1;
  const count = number.length;
  const high = Math.min(0.6 * height, (0.84 * width) / count / 0.82);
  const scale = high / 100;
  const advance = 0.82 * high;
  const left = (width - advance * count + 0.22 * high) / 2;
  const top = 0.8 * height - high - 4;
  return [...number].flatMap((digit, position) =>
    SHAPES[digit].map((points) =>
      smooth(points).map(([x, y]) => ({ x: left + advance * position + x * scale, y: top + y * scale })),
    ),
  );
}
