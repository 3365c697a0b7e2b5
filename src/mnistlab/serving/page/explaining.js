// Asks for the explanation of the chosen digit; two panels show one part of it each.

import { explain, newestOnly } from "./api.js";
import { chosenDigit, state } from "./state.js";

/**
 * Makes a panel's `refresh`, which calls `draw` once the server has explained `parts`. `draw` gets the explanation, with the
 * model, the pixels and the network added; the network is what networkOf(model), if given, resolves to.
 */
export function explaining(parts, draw, networkOf = () => null) {
  let shown = null;
  const ask = newestOnly(async ({ model, pixels }) => {
    const [explanation, network] = await Promise.all([explain(model, pixels, parts), networkOf(model)]);
    shown = { ...explanation, model, pixels, network };
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
