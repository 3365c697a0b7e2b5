// A layout: named boxes as fractions of a sheet, wherever the sheet is in a picture; and the TOML file that stores the layout.

/** Maps points, as fractions of a sheet with these corners (clockwise from the top left), to the picture and back. */
export function projection([[x0, y0], [x1, y1], [x2, y2], [x3, y3]]) {
  const [dx1, dx2, sx] = [x1 - x2, x3 - x2, x0 - x1 + x2 - x3];
  const [dy1, dy2, sy] = [y1 - y2, y3 - y2, y0 - y1 + y2 - y3];
  const area = dx1 * dy2 - dx2 * dy1;
  const [g, h] = [(sx * dy2 - dx2 * sy) / area, (dx1 * sy - sx * dy1) / area];
  const [a, b, c] = [x1 - x0 + g * x1, x3 - x0 + h * x3, x0];
  const [d, e, f] = [y1 - y0 + g * y1, y3 - y0 + h * y3, y0];
  const back = [e - f * h, c * h - b, b * f - c * e, f * g - d, a - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d];
  return {
    toPicture: ([u, v]) => {
      const w = g * u + h * v + 1;
      return [(a * u + b * v + c) / w, (d * u + e * v + f) / w];
    },
    toSheet: ([x, y]) => {
      const w = back[6] * x + back[7] * y + back[8];
      return [(back[0] * x + back[1] * y + back[2]) / w, (back[3] * x + back[4] * y + back[5]) / w];
    },
  };
}

const limit = (value, least, most) => Math.min(Math.max(value, least), most);
const LEAST = 0.004;

/** The box between two points, clipped to the sheet and not too small. */
export function between([x0, y0], [x1, y1]) {
  const side = (one, other) => {
    const start = limit(Math.min(one, other), 0, 1 - LEAST);
    return [start, limit(Math.max(one, other) - start, LEAST, 1 - start)];
  };
  const [[x, width], [y, height]] = [side(x0, x1), side(y0, y1)];
  return [x, y, width, height];
}

/** The box, moved by that much as far as the sheet allows. */
export const moved = ([x, y, width, height], [right, down]) => [
  limit(x + right, 0, 1 - width),
  limit(y + down, 0, 1 - height),
  width,
  height,
];

/** The four corners of a box, clockwise from the top left one. */
export const cornersOf = ([x, y, width, height]) => [
  [x, y],
  [x + width, y],
  [x + width, y + height],
  [x, y + height],
];

/** The upright box around the middles of the sides of four corners. */
export function boxOf([a, b, c, d]) {
  const mean = (one, other, n) => (one[n] + other[n]) / 2;
  return between([mean(a, d, 0), mean(a, b, 1)], [mean(b, c, 0), mean(d, c, 1)]);
}

/** The first of "1", "2", ... that is not yet a field's name. */
export function freeName(fields, stem) {
  let number = fields.length + 1;
  while (fields.some((field) => field.name === `${stem} ${number}`)) number += 1;
  return `${stem} ${number}`;
}

/** A text in quotes for TOML, whose escapes are JSON's and one more. */
const quoted = (text) => JSON.stringify(text).replaceAll("\x7f", "\\u007f");
const rounded = (numbers) => `[${numbers.map((number) => Number(number.toFixed(4))).join(", ")}]`;

/** The file for `mnistlab read --fields`. */
export function toToml({ by, formName, fields }) {
  const lines = [by === "form" ? `form = ${quoted(formName)}` : `sheet = "${by}"`];
  for (const { name, box, pattern, range, check } of fields) {
    lines.push("", "[[field]]", `name = ${quoted(name)}`, `box = ${rounded(box)}`);
    if (pattern) lines.push(`pattern = ${quoted(pattern)}`);
    if (range) lines.push(`range = ${JSON.stringify(range)}`);
    if (check) lines.push(`check = "${check}"`);
  }
  return `${lines.join("\n")}\n`;
}
