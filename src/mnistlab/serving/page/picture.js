// Reads a picture that was dropped, pasted, chosen or photographed: the whole picture, its table, or the fields of a form.

import { newestOnly, read } from "./api.js";
import * as fields from "./fields.js";
import * as table from "./found_table.js";
import { digitFrames, drawCropOf, overlay, show, showImage } from "./frames.js";
import { isAlone, percent, words } from "./i18n.js";
import { showText } from "./picture_text.js";
import { change, chosenDigit, makeReading, shownValue, state } from "./state.js";

const part = (name) => document.getElementById(name);
const kinds = [...document.querySelectorAll("[name=picture-kind]")];
/** What is looked for in the picture: "text", "table" or "fields". */
let kind = "text";
let reading = null;
/** The file that waits for the server's token, or null. */
let waiting = null;
/** What is said instead of the reading's summary: a key of the words, or null. */
let notice = null;
/** The latest file. */
let newest = null;
let whenGone;

/** `open` is called when a picture comes, whichever panel is shown; `gone` when what was read must no longer be shown. */
export function listenForPictures(open, gone) {
  whenGone = gone;
  const take = (file) => {
    if (!file) return;
    notice = "pictureReading";
    newest = file;
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

const readers = {
  text: read,
  table: (model, file, type) => read(model, file, type, { table: true }),
  fields: fields.readIn,
};

const ask = newestOnly(async ({ file, model }) => {
  const type = file.type || "application/octet-stream";
  const asked = kind;
  const answer = await readers[asked](model, file, type).catch((error) => failed(error, file, asked));
  waiting = null;
  if (answer === null) return;
  const shows = file === reading?.body ? reading.shows : await showImage(file);
  if (asked !== kind) return; // something else is looked for by now
  if (file === newest) notice = null;
  reading = makeReading(answer, { source: "picture", body: file, type, shows, drawCrop: drawCropOf(answer.size), kind });
  table.take(answer.table ?? null);
  if (kind === "fields") fields.take(answer);
  change({ reading, chosen: 0 });
});

/** Null if the picture stays because only the request was wrong; otherwise the picture is removed, and the error is passed on. */
function failed(error, file, asked) {
  if (asked === "fields" && file === reading?.body && error.status === 422) {
    fields.failed(error);
    refresh();
    return null;
  }
  waiting = error.status === 401 ? file : null;
  forget(waiting ? "pictureWaiting" : error.retryAfter ? "pictureReading" : "pictureFailed");
  throw error;
}

/** Removes what was read in the previous picture, because it would be taken for the content of the file that failed. */
function forget(reason) {
  notice = reason;
  const wasChosen = reading !== null && state.reading === reading;
  reading = null;
  refresh();
  if (!wasChosen) return;
  change({ reading: null, chosen: 0 });
  whenGone();
}

/** Whether a picture is shown, or is waiting for the server's token. */
export const isThere = () => waiting !== null || state.reading?.source === "picture";

/** Reads that picture with the current model. */
export function readAgain() {
  ask({ file: waiting ?? reading.body, model: state.model });
}

// What is looked for.

function lookFor(wanted) {
  kind = wanted;
  for (const input of kinds) input.checked = input.value === kind;
  if (waiting !== null || reading !== null) readAgain();
}

for (const input of kinds) input.addEventListener("change", () => lookFor(input.value));

part("picture-kinds").hidden = isAlone; // tables and forms need a server: the note names the command that starts one
part("picture-alone").hidden = !isAlone;

table.listenForCells(() => refresh());

fields.listenForFields({
  isShown: () => reading?.kind === "fields" && kind === "fields",
  picture: () => ({ file: reading.body, type: reading.type }),
  ask: () => readAgain(),
  redraw: () => refresh(),
});

part("table-layout").addEventListener("click", () => makeLayout(reading));

const makeLayout = newestOnly(async ({ table: found, body, type }) => {
  await fields.makeOf(found.cells, body, type, table.cellName);
  lookFor("fields");
});

// What is shown.

export function refresh() {
  const here = state.reading !== null && state.reading === reading;
  part("picture-result").hidden = reading === null;
  part("picture-summary").textContent = notice ? words(notice) : reading ? summary() : "";
  if (reading === null) return;
  const shown = shownKind();
  part("picture-blank").hidden = reading.shows;
  part("picture-result").dataset.kind = shown;
  for (const name of ["text", "table", "fields"]) part(`part-${name}`).hidden = name !== shown;
  show(framesOf(shown, here), reading.size, reading.shows, shown === "text");
  part("picture").setAttribute("aria-label", words({ text: "pictureLabel", table: "tableLabel", fields: "fieldsLabel" }[shown]));
  part("picture-selected").textContent = shown === "text" ? aboutDigit(here) : shown === "table" ? table.aboutChosen() : "";
  if (shown === "text") showText(reading);
  if (shown === "fields") fields.refresh();
}

/** What is shown: "text" if no table was found, because the whole picture was read instead. */
const shownKind = () => (reading.kind === "table" && !reading.table ? "text" : reading.kind);

function framesOf(shown, here) {
  if (shown === "table") return table.frames();
  if (shown === "fields") return fields.frames(reading.size);
  return digitFrames(reading, here ? state.chosen : null);
}

function aboutDigit(here) {
  const digit = here ? chosenDigit() : null;
  if (digit) return words("pictureSelected", { value: shownValue(digit), percent: percent(digit.probability, 0) });
  return reading.digits.length ? words("pictureSelect") : "";
}

function summary() {
  const shown = shownKind();
  if (shown === "fields") return fields.summary();
  if (shown === "table") return table.summary();
  const count = reading.digits.length;
  const none = reading.kind === "table" ? `${words("tableNone")} ` : "";
  if (count === 0) return none + words("pictureNone");
  const doubtful = reading.digits.filter((digit) => !digit.accepted).length;
  const found = words(count === 1 ? "pictureDigit" : "pictureDigits", { count });
  return `${none}${found}, ${doubtful ? words("pictureDoubtful", { count: doubtful }) : words("pictureSure")}`;
}

function choose(index) {
  change({ reading, chosen: index });
}

overlay.addEventListener("click", (event) => {
  const group = event.target.closest("g[data-index]");
  if (!group || reading === null) return;
  if (shownKind() === "text") choose(Number(group.dataset.index));
  if (shownKind() === "table") table.choose(Number(group.dataset.index));
});

part("picture").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || reading === null || shownKind() !== "text" || reading.digits.length === 0) return;
  event.preventDefault();
  const count = reading.digits.length;
  choose(state.reading === reading ? (state.chosen + step + count) % count : 0);
});
