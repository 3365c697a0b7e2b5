// Sliders that spoil what the network is given, until it makes a mistake.

import { classify, newestOnly, report } from "./api.js";
import { showBars } from "./bars.js";
import { drawGrey } from "./colours.js";
import { decimal, percent, words } from "./i18n.js";
import { perturb } from "./perturb.js";
import { chosenDigit, modelById, state } from "./state.js";

const SLIDERS = [
  { name: "turn", text: "breakTurn", low: -180, high: 180, step: 1, unit: "°", digits: 0 },
  { name: "thick", text: "breakThick", low: -2, high: 2, step: 0.1, unit: "\u00a0px", digits: 1 },
  { name: "blur", text: "breakBlur", low: 0, high: 3, step: 0.1, unit: "\u00a0px", digits: 1 },
  { name: "noise", text: "breakNoise", low: 0, high: 1, step: 0.02, unit: "", digits: 2 },
  { name: "erase", text: "breakErase", low: 0, high: 14, step: 1, unit: "\u00a0px", digits: 0 },
];
const SWEEP = 61;
/** How many pixels a letter needs under a slider. */
const LETTER = 10;
const START_PATCH = { x: 14, y: 14 };

const broken = document.getElementById("broken");
const amounts = {};
let patch = { ...START_PATCH };
let lastPixels = null;

function buildSlider(slider) {
  const row = document.createElement("div");
  row.className = "slider";
  const label = document.createElement("label");
  label.htmlFor = `break-${slider.name}`;
  const input = document.createElement("input");
  Object.assign(input, { type: "range", id: label.htmlFor, min: slider.low, max: slider.high, step: slider.step });
  const amount = document.createElement("output");
  amount.setAttribute("aria-live", "off"); // the slider announces the amount itself
  amount.htmlFor = input.id;
  const find = document.createElement("button");
  find.type = "button";
  const runs = document.createElement("div");
  runs.className = "runs";
  runs.setAttribute("aria-hidden", "true");
  const found = document.createElement("p");
  found.className = "note";
  found.setAttribute("aria-live", "polite");
  row.append(label, amount, find, input, runs, found);
  document.getElementById("sliders").append(row);
  Object.assign(slider, { label, input, amount, find, runs, found });
  input.addEventListener("input", () => {
    setAmount(slider, Number(input.value));
    forgetSweeps(slider);
    refresh();
  });
  find.addEventListener("click", () => sweep(slider).catch(report));
  setAmount(slider, 0);
}

function shownAmount(slider, amount) {
  return (amount < 0 ? "−" : "") + decimal(Math.abs(amount), slider.digits) + slider.unit;
}

function setAmount(slider, amount) {
  amounts[slider.name] = amount;
  slider.input.value = amount;
  slider.input.setAttribute("aria-valuetext", shownAmount(slider, amount));
  slider.amount.textContent = shownAmount(slider, amount);
}

/** The result of a sweep is valid only for one picture and one position of the other sliders. */
function forgetSweeps(except = null) {
  for (const slider of SLIDERS) {
    if (slider === except) continue;
    slider.runs.replaceChildren();
    slider.found.textContent = "";
  }
}

const ask = newestOnly(async ({ model, pixels, before }) => {
  const answer = await classify(model, pixels);
  const place = document.getElementById("break-answer");
  place.textContent = shown(answer, 0);
  place.classList.toggle("doubtful", !answer.accepted[0]);
  document.getElementById("break-before").textContent = before ? words("breakBefore", before) : "";
  showBars(document.getElementById("break-bars"), modelById(model).classes, answer.probabilities[0]);
});

/** The answer as text, with a question mark if the network is not sure, such as "1?". */
const shown = ({ values, accepted }, index) => guess(values[index], accepted[index]);
const guess = (value, isAccepted) => `${value}${isAccepted ? "" : "?"}`;

export function refresh() {
  const digit = chosenDigit();
  if (digit === null) return;
  if (digit.pixels !== lastPixels) {
    lastPixels = digit.pixels;
    forgetSweeps();
  }
  for (const slider of SLIDERS) {
    slider.label.textContent = words(slider.text);
    slider.find.textContent = words("breakFind");
    slider.find.setAttribute("aria-label", words("breakFindLabel", { name: words(slider.text) }));
    setAmount(slider, amounts[slider.name]);
  }
  const pixels = perturb(digit.pixels, amounts, patch);
  drawGrey(broken, pixels);
  const isBroken = Object.values(amounts).some((amount) => amount !== 0);
  const before = { value: guess(digit.value, digit.accepted), percent: percent(digit.probability, 0) };
  ask({ model: state.reading.model, pixels, before: isBroken && before });
}

/** Classifies the picture at every position of one slider, and writes below the slider which answer holds where. */
async function sweep(slider) {
  const { low, high, name } = slider;
  const { pixels } = chosenDigit();
  const places = Array.from({ length: SWEEP }, (_, i) => low + (i * (high - low)) / (SWEEP - 1));
  const images = new Uint8Array(784 * SWEEP);
  places.forEach((place, i) => images.set(perturb(pixels, { ...amounts, [name]: place }, patch), 784 * i));
  const answer = await classify(state.reading.model, images);
  const texts = places.map((_, i) => shown(answer, i));
  const step = slider.runs.clientWidth / SWEEP;
  slider.runs.replaceChildren(...runsOf(texts).map((run) => drawRun(run, step)));
  slider.found.textContent = sentence(slider, places, answer);
}

/** Stretches of the same answer: [{text, from, to}], `to` exclusive. */
function runsOf(texts) {
  const runs = [];
  texts.forEach((text, i) => {
    if (i > 0 && text === texts[i - 1]) runs.at(-1).to = i + 1;
    else runs.push({ text, from: i, to: i + 1 });
  });
  return runs;
}

/** `step` is the width of one position on the slider, in pixels; an answer that does not fit is left out. */
function drawRun({ text, from, to }, step) {
  const mark = document.createElement("span");
  mark.textContent = (to - from) * step >= LETTER * text.length + LETTER / 2 ? text : "";
  mark.classList.toggle("doubtful", text.endsWith("?"));
  mark.style.left = `${(100 * from) / SWEEP}%`;
  mark.style.width = `${(100 * (to - from)) / SWEEP}%`;
  return mark;
}

/** Says where the answer first changes on either side of the slider's zero, and where it becomes unsure before that. */
function sentence(slider, places, { values, accepted }) {
  const middle = places.findIndex((place) => place >= -1e-9);
  const changed = [-1, 1].map((step) => nearest(values, middle, step));
  const unsure = [-1, 1]
    .map((step) => (accepted[middle] ? nearest(accepted, middle, step) : -1))
    .filter((at, side) => changed[side] < 0 || Math.abs(at - middle) < Math.abs(changed[side] - middle));
  const told = (key, found) => {
    const there = found.filter((at) => at >= 0).map((at) => shownAmount(slider, places[at]));
    return there.length > 0 ? [words(key, { places: there.join(words("and")) })] : [];
  };
  const sentences = [...told("breakAt", changed), ...told("breakUnsure", unsure)];
  if (changed.every((at) => at < 0)) sentences.unshift(words("breakHolds"));
  return sentences.join(" ");
}

/** The first position, from `middle` in this direction, whose value differs from the one at `middle`; -1 if none does. */
function nearest(values, middle, step) {
  let at = middle;
  while (at >= 0 && at < values.length && values[at] === values[middle]) at += step;
  return at < values.length ? at : -1;
}

function movePatch(x, y) {
  patch = { x: Math.min(28, Math.max(0, x)), y: Math.min(28, Math.max(0, y)) };
  if (amounts.erase === 0) setAmount(SLIDERS.at(-1), 6);
  forgetSweeps();
  refresh();
}

function patchAt(event) {
  const box = broken.getBoundingClientRect();
  movePatch(((event.clientX - box.left) / box.width) * 28, ((event.clientY - box.top) / box.height) * 28);
}

broken.addEventListener("pointerdown", (event) => {
  broken.setPointerCapture(event.pointerId);
  patchAt(event);
});
broken.addEventListener("pointermove", (event) => {
  if (event.buttons) patchAt(event);
});

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
broken.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  movePatch(patch.x + step[0], patch.y + step[1]);
});

document.getElementById("break-reset").addEventListener("click", () => {
  for (const slider of SLIDERS) setAmount(slider, 0);
  patch = { ...START_PATCH };
  forgetSweeps();
  refresh();
});

for (const slider of SLIDERS) buildSlider(slider);
