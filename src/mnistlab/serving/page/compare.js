// Two models on the same drawing, side by side.

import { newestOnly, read } from "./api.js";
import { emptyBars, showBars } from "./bars.js";
import { decimal, modelOption, words } from "./i18n.js";
import { chosenDigit, makeReading, modelById, state } from "./state.js";

const SIDES = ["a", "b"];
const select = (side) => document.getElementById(`compare-${side}`);
const part = (name, side) => document.getElementById(`compare-${name}-${side}`);
let shown = null;

for (const side of SIDES) select(side).addEventListener("change", () => refresh());

export function setModels() {
  SIDES.forEach((side, index) => {
    select(side).replaceChildren(...state.models.map(modelOption));
    select(side).selectedIndex = Math.min(index, state.models.length - 1);
  });
}

const ask = newestOnly(async ({ reading, models }) => {
  const answers = await Promise.all(models.map((model) => read(model, reading.body, reading.type)));
  shown = { reading, models, answers: answers.map((answer) => makeReading(answer, {})) };
  draw();
});

export function refresh() {
  const several = state.models.length > 1;
  document.getElementById("compare-one").hidden = several;
  document.getElementById("compare-sides").hidden = !several;
  if (!several) return;
  const { reading } = state;
  const models = SIDES.map((side) => select(side).value);
  if (!reading) empty();
  else if (shown?.reading === reading && shown.models.join() === models.join()) draw();
  else ask({ reading, models });
}

function empty() {
  shown = null;
  for (const side of SIDES) {
    part("text", side).textContent = "";
    part("time", side).textContent = words("compareNothing");
    emptyBars(part("bars", side));
  }
}

function draw() {
  if (state.reading !== shown.reading) return;
  shown.answers.forEach((answer, index) => {
    const side = SIDES[index];
    part("text", side).textContent = answer.text || words("noDigit");
    part("text", side).classList.toggle("long", answer.text.length > 4 || answer.text === "");
    part("time", side).textContent = words("milliseconds", { number: decimal(answer.milliseconds) });
    const digit = sameDigit(answer.digits);
    if (digit) showBars(part("bars", side), modelById(answer.model).classes, digit.probabilities);
    else emptyBars(part("bars", side));
  });
}

/** Models may find different digits: the one whose middle is nearest to the chosen one's is the same. */
function sameDigit(digits) {
  const chosen = chosenDigit();
  if (!chosen) return null;
  const middle = ({ box: [x, y, width, height] }) => [x + width / 2, y + height / 2];
  const [chosenX, chosenY] = middle(chosen);
  const distance = (digit) => Math.hypot(middle(digit)[0] - chosenX, middle(digit)[1] - chosenY);
  return digits.reduce((best, digit) => (best && distance(best) <= distance(digit) ? best : digit), null);
}
