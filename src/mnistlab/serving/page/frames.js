// The picture with what was found in it: frames around digits, cells and fields.

import { shownValue } from "./state.js";

const SVG = "http://www.w3.org/2000/svg";
const image = document.getElementById("picture-image");
export const overlay = document.getElementById("boxes");
let address = null;

export function svg(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

/** Whether the browser can show the file; if so, it becomes the picture. */
export async function showImage(file) {
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(file);
  image.src = address;
  return image.decode().then(
    () => true,
    () => false,
  );
}

/** Shows these groups over the picture of that size, or over blank paper; with `room`, they get as much margin as they need. */
export function show(groups, [width, height], shows, room) {
  image.hidden = !shows;
  overlay.replaceChildren(...(room ? [] : [svg("rect", { class: "ground", width, height })]), ...groups);
  makeRoom(width, height, room ? overlay.getBBox() : { x: width / 150, y: width / 150, width: 0, height: 0 });
}

function makeRoom(width, height, { x, y, width: wide, height: high }) {
  const line = width / 150;
  const [left, top] = [Math.min(0, x - line), Math.min(0, y - line)];
  const across = Math.max(width, x + wide + line) - left;
  const down = Math.max(height, y + high + line) - top;
  overlay.setAttribute("viewBox", `${left} ${top} ${across} ${down}`);
  const share = (length, whole) => `${(100 * length) / whole}%`;
  Object.assign(image.style, {
    left: share(-left, across),
    top: share(-top, down),
    width: share(width, across),
    height: share(height, down),
  });
}

/** A frame with a label for each digit, and one without a label for each separator; `chosen` is a digit's number, or null. */
export function digitFrames({ digits, lines, size }, chosen) {
  const signs = lines.flatMap((line) => line.separators ?? []);
  return [
    ...digits.map((digit, index) => {
      const group = framed(digit, size, digit.accepted ? "box" : "box doubtful");
      group.dataset.index = index;
      group.classList.toggle("chosen", index === chosen);
      return group;
    }),
    ...signs.map((sign) => framed(sign, size, "box sign", "")),
  ];
}

function framed(mark, [width], kind, text = shownValue(mark)) {
  const [x, y, wide, high] = mark.box;
  const [least, most] = [width / 60, width / 16]; // sizes of labels: readable on a large page, without filling a small one
  const margin = 0.08 * high + 2;
  const group = svg("g", { class: kind });
  const size = Math.min(most, Math.max(least, 0.35 * high));
  const label = { x: x + wide / 2, y: y - margin - 0.25 * size, "font-size": size, "text-anchor": "middle" };
  group.append(svg("rect", { x: x - margin, y: y - margin, width: wide + 2 * margin, height: high + 2 * margin }));
  if (text) group.append(svg("text", label, text));
  return group;
}

/** A place with four corners, in the server's coordinates, which begin in the centre of the first pixel. */
export function placeFrame(corners, kind, index) {
  const points = corners.map(([x, y]) => `${x + 0.5},${y + 0.5}`).join(" ");
  const group = svg("g", { class: kind, "data-index": index });
  group.append(svg("polygon", { points }));
  return group;
}

/** Draws a digit, as it looks in the picture, in the middle of a square canvas. */
export function drawCropOf(size) {
  return (context, [x, y, width, height], side) => {
    const scale = image.naturalWidth / size[0];
    const reach = 0.65 * Math.max(width, height) * scale;
    const left = (x + width / 2) * scale - reach;
    const top = (y + height / 2) * scale - reach;
    context.drawImage(image, left, top, 2 * reach, 2 * reach, 0, 0, side, side);
  };
}
