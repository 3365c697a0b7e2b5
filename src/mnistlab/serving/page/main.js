// Ties the page together: the sheet, the tabs, the language, the theme, the models.

import { keepForOffline } from "./alone/keep.js";
import * as answer from "./answer.js";
import { listenForToken, models, newestOnly, read } from "./api.js";
import * as breaking from "./breaking.js";
import { colour } from "./colours.js";
import * as compare from "./compare.js";
import { drawStrokes, Sheet, WIDTH } from "./drawing.js";
import { modelOption, words } from "./i18n.js";
import * as inside from "./inside.js";
import { adoptIntro, endIntro, isUntouched, playExample, startIntro } from "./intro.js";
import { restore, speakAgain, startKeeping } from "./keeping.js";
import * as learn from "./learn.js";
import * as picture from "./picture.js";
import { measure } from "./measures.js";
import { nameFullScreen } from "./present.js";
import { startSettings } from "./settings.js";
import { change, makeReading, state, whenChanged } from "./state.js";
import { openPanel, openTab, whenOpened } from "./tabs.js";
import * as why from "./why.js";

const part = (name) => document.getElementById(name);
const PANELS = { inside, learn, why, break: breaking, compare, picture };

// The reading follows the pen.

/** Increases when pending results must no longer be shown, because the sheet was cleared or a picture came. */
let epoch = 0;

const readSheet = newestOnly(async () => {
  if (sheet.empty) return;
  const { newest: time, strokes, lastPoint } = sheet;
  const asked = epoch;
  const body = sheet.toPicture();
  const drawn = strokes.map(({ width, points }) => ({ width, points: [...points] }));
  const given = await read(state.model, body, "image/bmp");
  if (asked !== epoch) return;
  const drawCrop = (context, box, side) => cropSheet(context, drawn, scaled(box, given.size), side);
  const reading = makeReading(given, { source: "sheet", body, type: "image/bmp", drawCrop });
  change({ reading, chosen: nearest(reading, lastPoint) });
  measure("answer", time); // from the latest movement that the answer includes until the page shows it
});

/** A box of the small picture, in the sheet's units. */
const scaled = (box, size) => box.map((pixels) => (pixels * WIDTH) / size[0]);

function cropSheet(context, strokes, [x, y, width, height], side) {
  const reach = 0.62 * Math.max(width, height);
  const scale = side / (2 * reach);
  const margin = 0.04 * reach;
  context.save();
  context.setTransform(scale, 0, 0, scale, (reach - x - width / 2) * scale, (reach - y - height / 2) * scale);
  context.beginPath();
  context.rect(x - margin, y - margin, width + 2 * margin, height + 2 * margin);
  context.clip(); // without the digit's neighbours
  drawStrokes(context, strokes, colour("ink"));
  context.restore();
}

/** The digit that the pen touched last. */
function nearest({ digits, size }, point) {
  const away = (low, length, value) => Math.max(low - value, value - low - length, 0);
  const distances = digits.map(({ box }) => {
    const [x, y, width, height] = scaled(box, size);
    return Math.hypot(away(x, width, point.x), away(y, height, point.y));
  });
  return Math.max(0, distances.lastIndexOf(Math.min(...distances)));
}

function sheetChanged() {
  drawingChanged();
  part("hint").hidden = !sheet.empty;
  if (state.reading?.source === "picture" && !sheet.empty && openPanel() === "picture") openTab("answer");
  if (sheet.empty) {
    epoch += 1;
    if (state.reading?.source !== "picture") change({ reading: null, chosen: 0 });
  } else if (state.model) {
    readSheet();
  } else {
    loadModels(); // the server had not answered when the page was opened
  }
}

const sheet = new Sheet(part("sheet"), sheetChanged);
const drawingChanged = startKeeping(sheet, () => !isUntouched());

// The tools under the sheet.

document.querySelector(".tools").addEventListener("click", adoptIntro, { capture: true });
part("undo").addEventListener("click", () => sheet.undo());
part("clear").addEventListener("click", () => sheet.clear());
part("example").addEventListener("click", () => playExample(sheet));
part("pen").addEventListener("input", () => (sheet.penWidth = Number(part("pen").value)));

const STEP = 10;
const BIG_STEP = 40;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

part("sheet").addEventListener("keydown", (event) => {
  const arrow = ARROWS[event.key];
  if (arrow) {
    const step = event.shiftKey ? BIG_STEP : STEP;
    sheet.movePen(step * arrow[0], step * arrow[1], event.timeStamp);
  } else if (event.key === " ") {
    if (event.repeat) return;
    sheet.togglePen(event.timeStamp);
    answer.say(words(sheet.pen.down ? "penDown" : "penUp"));
  } else if (event.key === "Delete" || event.key === "Backspace" || event.key === "Escape") {
    sheet.clear(event.timeStamp);
    answer.say(words("cleared"));
  } else {
    return;
  }
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.key.toLowerCase() !== "z") return;
  if (event.target.matches("input[type=password]")) return;
  event.preventDefault();
  sheet.undo(event.timeStamp);
});

whenOpened((panel) => PANELS[panel]?.refresh());

function showAll() {
  answer.showReading(!sheet.empty);
  PANELS[openPanel()]?.refresh();
}

whenChanged(() => {
  if (state.reading?.source === "picture") {
    epoch += 1;
    endIntro(sheet);
  }
  showAll();
});

picture.listenForPictures(() => openTab("picture"), readSheetAgain);

// The models.

const askForModels = newestOnly(async () => {
  const { models: served } = await models();
  state.models = served;
  state.model = served[0].id;
  part("model").replaceChildren(...state.models.map(modelOption));
  part("model-choice").hidden = state.models.length < 2;
  compare.setModels();
  readAgain();
});

let isAsking = false;
async function loadModels() {
  if (isAsking) return;
  isAsking = true;
  await askForModels();
  isAsking = false;
}

function readAgain() {
  if (picture.isThere()) picture.readAgain();
  else readSheetAgain();
}

function readSheetAgain() {
  if (sheet.empty) showAll();
  else readSheet();
}

part("model").addEventListener("change", () => {
  state.model = part("model").value;
  readAgain();
});

listenForToken(() => (state.model ? readAgain() : loadModels()));
startSettings(() => {
  inside.forget();
  sheet.draw();
  nameFullScreen();
  speakAgain();
  showAll();
});
keepForOffline((sentence) => (part("notice").textContent = sentence));
openTab("answer");
if (!restore(sheet)) startIntro(sheet);
loadModels();
