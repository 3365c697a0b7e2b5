// Shows the number that was read in large type, and the chosen digit's probabilities and the pixels that the network was given.

import { showBars } from "./bars.js";
import { drawGrey } from "./colours.js";
import { percent, words } from "./i18n.js";
import { change, chosenDigit, modelById, shownValue, state } from "./state.js";

const CROP_SIDE = 280;
const answer = document.getElementById("answer");
const nothing = document.getElementById("nothing");
const live = document.getElementById("live");
let announcement;

/** Shows the last reading, whichever panel is open. */
export function showReading(drawn) {
  const { reading } = state;
  const digit = chosenDigit();
  document.body.toggleAttribute("data-digit", digit !== null);
  answer.hidden = digit === null;
  nothing.textContent = digit ? "" : words(drawn ? "noDigit" : "start");
  document.getElementById("invite").hidden = digit !== null || drawn;
  if (digit === null) {
    answer.replaceChildren();
  } else {
    showNumber(reading);
    showDigit(digit, reading);
  }
  announce();
}

function showNumber({ text, digits }) {
  if (answer.textContent !== text || answer.childElementCount !== digits.length) {
    const focused = answer.contains(document.activeElement);
    answer.replaceChildren(...pieces(text, digits));
    answer.style.setProperty("--size", `${fittingSize(text)}rem`);
    if (focused) answer.children[state.chosen].focus();
  }
  digits.forEach((digit, index) => {
    const button = answer.children[index];
    const chosen = index === state.chosen;
    button.setAttribute("aria-checked", chosen);
    button.tabIndex = chosen ? 0 : -1;
    button.classList.toggle("doubtful", !digit.accepted);
    button.setAttribute(
      "aria-label",
      words(digit.accepted ? "digitLabel" : "doubtfulLabel", {
        value: digit.value,
        percent: percent(digit.probability, 0),
        position: index + 1,
        count: digits.length,
      }),
    );
  });
}

/** The text as buttons, one for each digit, with separators, spaces and line breaks between them. */
function pieces(text, digits) {
  const made = [];
  let at = 0;
  digits.forEach((digit, index) => {
    const shown = shownValue(digit);
    const start = text.indexOf(shown, at);
    if (start > at) made.push(text.slice(at, start));
    at = start + shown.length;
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.textContent = shown;
    button.addEventListener("click", () => change({ chosen: index }));
    made.push(button);
  });
  if (at < text.length) made.push(text.slice(at));
  return made;
}

function fittingSize(text) {
  const longest = Math.max(...text.split("\n").map((line) => line.length));
  if (text.includes("\n")) return longest > 12 ? 1.5 : 2.5;
  return longest <= 4 ? 8 : longest <= 8 ? 5 : longest <= 16 ? 3 : 1.75;
}

function showDigit(digit, reading) {
  const several = reading.digits.length > 1;
  document.getElementById("bars-heading").textContent = digit.accepted
    ? words(several ? "barsHeadingOf" : "barsHeading")
    : words("notSure", { value: digit.value, percent: percent(digit.probability) });
  showBars(document.getElementById("bars"), modelById(reading.model).classes, digit.probabilities);
  drawGrey(document.getElementById("seen"), digit.pixels);
  const unseen = reading.source === "picture" && !reading.shows;
  for (const name of ["crop-figure", "crop-arrow"]) document.getElementById(name).hidden = unseen;
  if (unseen) return;
  const context = document.getElementById("crop").getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, CROP_SIDE, CROP_SIDE);
  reading.drawCrop(context, digit.box, CROP_SIDE);
}

/** Tells a screen reader the answer once the pen rests. */
function announce() {
  clearTimeout(announcement);
  announcement = setTimeout(() => {
    const digit = chosenDigit();
    if (digit === null) {
      live.textContent = nothing.textContent;
      return;
    }
    const digits = state.reading.digits.map((one) => (one.accepted ? one.value : words("doubtful"))).join(" ");
    const isLast = state.chosen === state.reading.digits.length - 1;
    const about = { position: state.chosen + 1, value: digit.value, percent: percent(digit.probability, 0) };
    live.textContent = `${words("read", { digits })} ${words(isLast ? "readLast" : "readChosen", about)}`;
  }, 500);
}

export function say(text) {
  clearTimeout(announcement);
  live.textContent = text;
}

/** If there is room, what the network was given is shown under the sheet; otherwise, in its own panel. */
const room = matchMedia("(min-width: 801px)");
const placeGot = () =>
  document.querySelector(room.matches ? ".desk" : "#panel-answer").append(document.getElementById("got"));
room.addEventListener("change", placeGot);
placeGot();

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

answer.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const count = state.reading.digits.length;
  change({ chosen: (state.chosen + step + count) % count });
  answer.children[state.chosen].focus();
});
