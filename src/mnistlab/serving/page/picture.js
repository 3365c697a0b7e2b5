// Reads a picture that is dropped, pasted, chosen or photographed.

import { newestOnly, read } from "./api.js";
import { percent, words } from "./i18n.js";
import { change, chosenDigit, makeReading, shownValue, state } from "./state.js";

const SVG = "http://www.w3.org/2000/svg";
const part = (name) => document.getElementById(name);
const image = part("picture-image");
const boxes = part("boxes");
let imageAddress = null;
let reading = null;
/** The file that the server will not read before it has its token, or null. */
let waiting = null;
/** What is said instead of the reading's summary: a key of i18n.js, or null. */
let notice = null;
let whenGone;

/** `open` is called when a picture comes, whichever panel is shown then; `gone` when what was read must not be shown any more. */
export function listenForPictures(open, gone) {
  whenGone = gone;
  const take = (file) => {
    if (!file) return;
    notice = "pictureReading";
    open();
    ask({ file, model: state.model });
  };
  for (const input of [part("file"), part("photo")]) {
    input.addEventListener("change", () => {
      take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
  listenForDrops(take);
}

function listenForDrops(take) {
  const veil = part("drop");
  const carriesFile = (event) => event.dataTransfer.types.includes("Files");
  window.addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  window.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) veil.hidden = true;
  });
  window.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    veil.hidden = true;
    take(event.dataTransfer.files[0]);
  });
}

const ask = newestOnly(async ({ file, model }) => {
  const type = file.type || "application/octet-stream";
  const answer = await read(model, file, type).catch((error) => {
    waiting = error.status === 401 ? file : null;
    forget(waiting ? "pictureWaiting" : error.retryAfter ? "pictureReading" : "pictureFailed");
    throw error;
  });
  waiting = null;
  const shows = await showImage(file);
  notice = null;
  reading = makeReading(answer, { source: "picture", body: file, type, shows, drawCrop });
  change({ reading, chosen: 0 });
});

/** Takes away what was read in the picture before: it would be taken for that of the file that failed. */
function forget(reason) {
  notice = reason;
  const wasChosen = reading !== null && state.reading === reading;
  reading = null;
  refresh();
  if (!wasChosen) return;
  change({ reading: null, chosen: 0 });
  whenGone();
}

/** Whether a picture is shown, or waits for the server's token. */
export const isThere = () => waiting !== null || state.reading?.source === "picture";

/** Reads that picture with the model that is chosen now. */
export function readAgain() {
  ask({ file: waiting ?? reading.body, model: state.model });
}

/** Whether the browser can show the file. */
async function showImage(file) {
  if (imageAddress) URL.revokeObjectURL(imageAddress);
  imageAddress = URL.createObjectURL(file);
  image.src = imageAddress;
  return image.decode().then(
    () => true,
    () => false,
  );
}

function drawCrop(context, [x, y, width, height], side) {
  const scale = image.naturalWidth / reading.size[0];
  const reach = 0.65 * Math.max(width, height) * scale;
  const left = (x + width / 2) * scale - reach;
  const top = (y + height / 2) * scale - reach;
  context.drawImage(image, left, top, 2 * reach, 2 * reach, 0, 0, side, side);
}

export function refresh() {
  const here = state.reading !== null && state.reading === reading;
  part("picture-result").hidden = reading === null;
  part("picture-summary").textContent = notice ? words(notice) : reading ? summary() : "";
  if (reading === null) return;
  image.hidden = !reading.shows;
  part("picture-blank").hidden = reading.shows;
  drawBoxes(here);
  const { digits } = reading;
  const digit = here ? chosenDigit() : null;
  part("picture-selected").textContent = digit
    ? words("pictureSelected", { value: shownValue(digit), percent: percent(digit.probability, 0) })
    : digits.length
      ? words("pictureSelect")
      : "";
  part("picture-text").textContent = reading.text;
  part("picture-text").hidden = reading.text === "";
  offer(part("picture-csv"), toCsv(), "text/csv");
  offer(part("picture-json"), toJson(), "application/json");
}

function summary() {
  const count = reading.digits.length;
  if (count === 0) return words("pictureNone");
  const doubtful = reading.digits.filter((digit) => !digit.accepted).length;
  const found = words(count === 1 ? "pictureDigit" : "pictureDigits", { count });
  return `${found}, ${doubtful ? words("pictureDoubtful", { count: doubtful }) : words("pictureSure")}`;
}

function svg(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

function drawBoxes(here) {
  const [width, height] = reading.size;
  const [least, most] = [width / 60, width / 16]; // of labels: to be read on a large page, and not to fill a small one
  boxes.replaceChildren(
    ...reading.digits.map((digit, index) => {
      const [x, y, wide, high] = digit.box;
      const margin = 0.08 * high + 2;
      const group = svg("g", { class: digit.accepted ? "box" : "box doubtful", "data-index": index });
      group.classList.toggle("chosen", here && index === state.chosen);
      const size = Math.min(most, Math.max(least, 0.35 * high));
      const label = { x: x + wide / 2, y: y - margin - 0.25 * size, "font-size": size, "text-anchor": "middle" };
      group.append(
        svg("rect", { x: x - margin, y: y - margin, width: wide + 2 * margin, height: high + 2 * margin }),
        svg("text", label, shownValue(digit)),
      );
      return group;
    }),
  );
  makeRoom(width, height);
}

/** Leaves as much paper around the picture as its frames and labels need. */
function makeRoom(width, height) {
  const { x, y, width: wide, height: high } = boxes.getBBox();
  const line = width / 150;
  const [left, top] = [Math.min(0, x - line), Math.min(0, y - line)];
  const across = Math.max(width, x + wide + line) - left;
  const down = Math.max(height, y + high + line) - top;
  boxes.setAttribute("viewBox", `${left} ${top} ${across} ${down}`);
  const share = (length, whole) => `${(100 * length) / whole}%`;
  Object.assign(image.style, {
    left: share(-left, across),
    top: share(-top, down),
    width: share(width, across),
    height: share(height, down),
  });
}

function choose(index) {
  change({ reading, chosen: index });
}

boxes.addEventListener("click", (event) => {
  const group = event.target.closest("g");
  if (group) choose(Number(group.dataset.index));
});

part("picture").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || reading.digits.length === 0) return;
  event.preventDefault();
  const count = reading.digits.length;
  choose(state.reading === reading ? (state.chosen + step + count) % count : 0);
});

function offer(link, content, type) {
  if (link.href) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([content], { type }));
}

function toCsv() {
  const rows = [["line", "position", "value", "probability", "accepted", "x", "y", "width", "height"]];
  reading.lines.forEach((line, lineIndex) =>
    line.digits.forEach((digit, index) =>
      rows.push([lineIndex + 1, index + 1, digit.value, digit.probability, digit.accepted, ...digit.box]),
    ),
  );
  return rows.map((row) => `${row.join(",")}\n`).join("");
}

function toJson() {
  const lines = reading.lines.map(({ text, digits }) => ({
    text,
    digits: digits.map(({ value, probability, box, accepted }) => ({ value, probability, box, accepted })),
  }));
  return JSON.stringify({ model: reading.model, text: reading.text, size: reading.size, lines }, null, 2);
}

part("picture-copy").addEventListener("click", async () => {
  const button = part("picture-copy");
  try {
    await navigator.clipboard.writeText(reading.text); // other computers' pages have no clipboard without encryption
  } catch {
    getSelection().selectAllChildren(part("picture-text")); // to be copied by the keys or the menu
    return;
  }
  button.textContent = words("copied");
  setTimeout(() => (button.textContent = words("copy")), 1500);
});
