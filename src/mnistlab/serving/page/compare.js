// Compares two models on the same drawing, or a model and a state of a training run, whose answers this page computes itself.

import { newestOnly, read, report } from "./api.js";
import { emptyBars, showBars } from "./bars.js";
import { isDamaged, listTrainings, loadFilm, lookAt } from "./films.js";
import { decimal, modelOption, words } from "./i18n.js";
import { chosenDigit, makeReading, modelById, state } from "./state.js";
import { openPanel } from "./tabs.js";

const SIDES = ["a", "b"];
/** Values that begin like this stand for states of a training run: the last one, or the first. */
const STATES = { "last:": -1, "first:": 0 };
const sides = SIDES.map(
  (side) => `
    <section class="side" aria-labelledby="compare-label-${side}">
      <label id="compare-label-${side}" for="compare-${side}" data-text="compare${side.toUpperCase()}"></label>
      <select id="compare-${side}"></select>
      <p id="compare-text-${side}" class="numeral"></p>
      <p id="compare-time-${side}" class="note"></p>
      <ul id="compare-bars-${side}" class="bars small" data-label="barsLabel"></ul>
    </section>`,
).join("");
document.getElementById("panel-compare").innerHTML = `
  <p id="compare-verdict" aria-live="polite"></p>
  <div class="sides" id="compare-sides">${sides}</div>
  <p id="compare-one" class="note" data-text="compareOne" hidden></p>`;
const select = (side) => document.getElementById(`compare-${side}`);
const part = (name, side) => document.getElementById(`compare-${name}-${side}`);
const verdict = document.getElementById("compare-verdict");
let shown = null;

for (const side of SIDES) select(side).addEventListener("change", () => refresh());

export async function setModels() {
  const offered = await listTrainings().catch((error) => {
    report(error);
    return [];
  });
  const states = offered.flatMap(({ id, title }) => [
    stateOption("last:", id, "compareTrained", title),
    stateOption("first:", id, "compareUntrained", title),
  ]);
  SIDES.forEach((side, index) => {
    select(side).replaceChildren(...state.models.map(modelOption), ...states.map((option) => option.cloneNode(true)));
    select(side).selectedIndex = index;
  });
  if (openPanel() === "compare") refresh();
}

function stateOption(kind, id, key, title) {
  const option = new Option(words(key, { title }), kind + id);
  Object.assign(option.dataset, { key, training: title });
  return option;
}

const ask = newestOnly(async ({ reading, choices }) => {
  shown = { reading, choices, answers: await Promise.all(choices.map((choice) => answerOf(choice, reading))) };
  draw();
});

async function answerOf(choice, reading) {
  const kind = Object.keys(STATES).find((start) => choice.startsWith(start));
  if (kind) {
    const film = await loadFilm(choice.slice(kind.length)).catch((error) => {
      if (!isDamaged(error)) throw error;
      return null;
    });
    if (!film?.networks.length) return { text: "", digits: [], problem: film ? "learnNone" : "learnDamaged" };
    return ownAnswer(film, film.networks.at(STATES[kind]), reading);
  }
  const answer = makeReading(await read(choice, reading.body, reading.type), {});
  return { ...answer, classes: modelById(answer.model).classes };
}

/** What a state of a training run answers to the digits that were found, in the form of the server's answers. */
function ownAnswer({ classes }, network, { lines }) {
  const started = performance.now();
  const asked = lines.map((line) =>
    line.digits.map(({ pixels, box }) => {
      const { probabilities } = lookAt(network, pixels);
      return { box, probabilities, value: classes[probabilities.indexOf(Math.max(...probabilities))] };
    }),
  );
  const text = asked.map((digits) => digits.map(({ value }) => value).join("")).join("\n");
  return { isOwn: true, text, classes, digits: asked.flat(), milliseconds: performance.now() - started };
}

export function refresh() {
  document.getElementById("compare-one").hidden = state.models.length > 1;
  for (const option of document.querySelectorAll("#compare-sides option[data-key]"))
    option.textContent = words(option.dataset.key, { title: option.dataset.training });
  const { reading } = state;
  const choices = SIDES.map((side) => select(side).value);
  if (!reading || choices.includes("")) empty();
  else if (shown?.reading === reading && shown.choices.join() === choices.join()) draw();
  else ask({ reading, choices });
}

function empty() {
  shown = null;
  verdict.textContent = "";
  for (const side of SIDES) {
    part("text", side).textContent = "";
    part("time", side).textContent = words("compareNothing");
    emptyBars(part("bars", side));
  }
}

function draw() {
  if (state.reading !== shown.reading) return;
  const [one, other] = shown.answers.map(({ text }) => text);
  verdict.textContent = one && other ? words(one === other ? "compareSame" : "compareDiffer") : "";
  shown.answers.forEach((answer, index) => {
    const side = SIDES[index];
    showText(part("text", side), answer.text, shown.answers[1 - index].text);
    const key = answer.problem ?? (answer.isOwn ? "compareOwn" : "milliseconds");
    part("time", side).textContent = words(key, { number: decimal(answer.milliseconds ?? 0) });
    const digit = sameDigit(answer.digits);
    if (digit) showBars(part("bars", side), answer.classes, digit.probabilities);
    else emptyBars(part("bars", side));
  });
}

/** Shows the text; if the other text has the same length, the differences are marked. */
function showText(place, text, other) {
  place.classList.toggle("long", text.length > 4 || text === "");
  const isMarked = text.length === other.length;
  const pieces = [...text].map((letter, i) => {
    if (!isMarked || letter === other[i]) return letter;
    const mark = document.createElement("mark");
    mark.textContent = letter;
    return mark;
  });
  place.replaceChildren(...(text ? pieces : [words("noDigit")]));
}

/** Models may find different digits: the digit whose centre is nearest to the chosen digit's centre counts as the same. */
function sameDigit(digits) {
  const chosen = chosenDigit();
  if (!chosen) return null;
  const middle = ({ box: [x, y, width, height] }) => [x + width / 2, y + height / 2];
  const [chosenX, chosenY] = middle(chosen);
  const distance = (digit) => Math.hypot(middle(digit)[0] - chosenX, middle(digit)[1] - chosenY);
  return digits.reduce((best, digit) => (best && distance(best) <= distance(digit) ? best : digit), null);
}
