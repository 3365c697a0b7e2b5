// Watch it learn: a network at a few steps of its training, and its answers to the drawing at each.

import "./learn_panel.js";
import { report } from "./api.js";
import { emptyBars, showBars } from "./bars.js";
import { isDamaged, listTrainings, loadFilm, lookAt } from "./films.js";
import { decimal, percent, words } from "./i18n.js";
import { drawCourse, drawFilters, drawMaps } from "./learning.js";
import { chosenDigit, state } from "./state.js";

const PACE = 900; // milliseconds per state while it plays
const SURE = 0.5;

const part = (name) => document.getElementById(`learn-${name}`);
const slider = part("step");
let film = null;
/** The selected training run, and the model for which it was chosen: another model brings its own training run. */
let wanted = null;
let chosenFor = null;
/** The training run that comes with mnistlab. */
let shipped = null;
/** What each state makes of the drawing; filled in one by one. */
let looks = [];
let pixels = null;
let playing = null;

export function refresh() {
  if (state.model !== chosenFor || film === null) load().catch(fail);
  const digit = chosenDigit();
  if (digit?.pixels !== pixels) {
    pixels = digit?.pixels ?? null;
    looks = [];
  }
  show();
}

async function load() {
  const model = state.model;
  const offered = await listTrainings();
  shipped = offered.at(-1).id;
  if (model !== chosenFor || wanted === null) {
    chosenFor = model;
    wanted = (offered.find(({ id }) => id === model) ?? offered.at(-1)).id;
  }
  part("choice").hidden = offered.length < 2;
  part("training").replaceChildren(...offered.map(({ id, title }) => new Option(title, id, false, id === wanted)));
  await change(wanted);
}

/** Shows another training run. */
async function change(id) {
  wanted = id;
  const opened = await loadFilm(id);
  if (id !== wanted || opened === film) return;
  film = opened;
  looks = [];
  stop();
  tell(film.whole.length === 0 ? "learnNone" : null);
  slider.max = Math.max(0, film.whole.length - 1);
  slider.value = 0;
  buildGuesses();
  show();
}

/** The sentence that is shown instead of the film; null if the film is shown. */
let told = null;
function tell(key) {
  told = key;
  part("problem").textContent = key ? words(key) : "";
  part("film").hidden = key !== null;
}

function fail(error) {
  if (!isDamaged(error)) {
    report(error);
    return;
  }
  film = { id: wanted, whole: [], networks: [] };
  tell("learnDamaged");
}

function buildGuesses() {
  part("film").style.setProperty("--count", film.whole.length);
  part("guesses").replaceChildren(
    ...film.whole.map((step, index) => {
      const cell = document.createElement("li");
      cell.append(document.createElement("b"), document.createElement("small"));
      cell.lastChild.textContent = decimal(step, 0);
      cell.addEventListener("click", () => go(index));
      return cell;
    }),
  );
}

function go(index) {
  slider.value = index;
  show();
}

const lookOf = (index) => (looks[index] ??= lookAt(film.networks[index], pixels));

/** Shows everything for the slider's state; the other states' answers follow, one per task. */
function show() {
  if (told) tell(told); // again, in the current language
  if (!film?.whole.length || part("film").offsetParent === null) return;
  const index = Number(slider.value);
  const look = pixels && lookOf(index);
  nameState(index, look);
  document.getElementById("panel-learn").toggleAttribute("data-drawn", look !== null);
  if (look) showBars(part("bars"), film.classes, look.probabilities);
  else emptyBars(part("bars"));
  drawCourse(part("loss"), film, index);
  drawFilters(part("filters"), film, index, look);
  part("deep-heading").hidden = !drawMaps(part("deep"), look);
  showGuesses(index);
  catchUp(pixels);
}

function nameState(index, look) {
  const step = film.whole[index];
  const when = words(step === 0 ? "learnBefore" : "learnAfter", { step: decimal(step, 0) });
  const best = look && Math.max(...look.probabilities);
  const guess = look && film.classes[look.probabilities.indexOf(best)];
  part("heading").textContent = when;
  part("answer").textContent = look ? words("learnGuess", { value: guess, percent: percent(best, 0) }) : "";
  const at = film.steps.indexOf(step);
  const loss = film.losses[at];
  part("figures").textContent = [
    loss === null ? "" : words("learnLoss", { loss: decimal(loss, 2) }),
    words("learnRight", { right: film.right[at], digits: film.digits }),
  ]
    .filter(Boolean)
    .join(words("learnBetween"));
  slider.setAttribute("aria-valuetext", [when, part("answer").textContent].filter(Boolean).join(", "));
  part("note").textContent = `${whose()}${words("learnNote", { title: film.title })}`;
  part("ends").textContent = endsOf(film);
  part("play").textContent = words(playing ? "learnPause" : "learnPlay");
}

/** Says so if the film's network is not the one that answers. */
function whose() {
  if (wanted === state.model) return "";
  return `${words(wanted === shipped ? "learnQuick" : "learnOther")} `;
}

/** Where the loss curve begins and ends, in words; empty if no loss is known. */
function endsOf({ steps, losses }) {
  const known = losses.flatMap((loss, i) => (loss === null ? [] : [i]));
  if (known.length === 0) return "";
  const [first, last] = [known[0], known.at(-1)];
  const [from, to] = [first, last].map((i) => decimal(steps[i], 0));
  return words("learnEnds", { from, to, first: decimal(losses[first], 2), last: decimal(losses[last], 2) });
}

function showGuesses(index) {
  film.whole.forEach((_, at) => {
    const cell = part("guesses").children[at];
    cell.toggleAttribute("data-now", at === index);
    const chances = looks[at]?.probabilities;
    const best = chances && Math.max(...chances);
    cell.firstChild.textContent = chances ? film.classes[chances.indexOf(best)] : "·";
    cell.firstChild.classList.toggle("doubtful", !chances || best < SURE);
  });
}

let next = null;
function catchUp(drawn) {
  clearTimeout(next);
  const missing = pixels ? film.whole.findIndex((_, at) => !looks[at]) : -1;
  if (missing < 0) return;
  next = setTimeout(() => {
    if (drawn !== pixels) return;
    lookOf(missing);
    showGuesses(Number(slider.value));
    catchUp(drawn);
  });
}

function stop() {
  clearInterval(playing);
  playing = null;
  part("play").textContent = words("learnPlay");
}

part("play").addEventListener("click", () => {
  if (playing) {
    stop();
    return;
  }
  if (Number(slider.value) === Number(slider.max)) slider.value = 0;
  playing = setInterval(() => {
    if (part("film").offsetParent === null || slider.value === slider.max) stop();
    else go(Number(slider.value) + 1);
  }, PACE);
  show();
});
slider.addEventListener("input", () => {
  stop();
  show();
});
part("training").addEventListener("change", () => change(part("training").value).catch(fail));
new ResizeObserver(() => show()).observe(part("film"));
