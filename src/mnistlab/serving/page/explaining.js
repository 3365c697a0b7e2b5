// Asks for the explanation of the chosen digit; two panels show parts of it.

import { explain, newestOnly } from "./api.js";
import { chosenDigit, state } from "./state.js";

/** Makes a panel's `refresh`: it calls draw(explanation, with model and pixels), once the server has explained `parts` of it. */
export function explaining(parts, draw) {
  let shown = null;
  const ask = newestOnly(async ({ model, pixels }) => {
    shown = { ...(await explain(model, pixels, parts)), model, pixels };
    draw(shown);
  });
  return function refresh() {
    const digit = chosenDigit();
    if (digit === null) return;
    const { model } = state.reading;
    if (shown?.pixels === digit.pixels && shown.model === model) draw(shown);
    else ask({ model, pixels: digit.pixels });
  };
}
