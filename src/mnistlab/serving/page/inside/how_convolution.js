// Explains a convolution's cell: window times kernel, channel by channel, their sum and the bias.

import { largest } from "../colours.js";
import { words } from "../i18n.js";
import { channelPart, channelSums, channelsOf } from "./arithmetic.js";
import { arrayBefore } from "./columns.js";
import { bracketed, element, ends, grid, numeral, part } from "./figures.js";

/** How many channels are listed one by one. */
const LISTED = 6;

/** The input map that adds or subtracts most. */
export function strongestChannel(step, before, cell) {
  const sums = channelSums(step, before, cell).map(Math.abs);
  return channelsOf(step, before, cell.map)[sums.indexOf(Math.max(...sums))];
}

export function convolutionPart({ sight, step, number, cell, made, channel, choose }) {
  const before = arrayBefore(sight, number);
  const chosen = channel !== null && made.parts.some((one) => one.channel === channel) ? channel : strongestChannel(step, before, cell);
  const one = channelPart(step, before, cell, chosen);
  const columns = step.filters.shape[3];
  const section = element("section", "how-part");
  // The shades' scales are the same wherever the window is.
  const [most, mostOfKernel] = [largest(before.values), largest(one.kernel)];
  section.append(
    element(
      "div",
      "products",
      figure("howWindow", one.numbers, columns, most),
      sign("×"),
      figure("howKernel", [...one.kernel], columns, mostOfKernel),
      sign("="),
      figure("howProducts", one.products, columns, most * mostOfKernel),
    ),
  );
  if (number === 0) section.append(element("p", "note", words("howScaled", ends(before.values))));
  if (made.parts.length > 1) section.append(channelList(made, chosen, choose));
  section.append(equation(made, one));
  return section;
}

const sign = (text) => element("span", "sign", text);

function figure(name, numbers, columns, most) {
  const caption = words(name);
  return element("figure", "", element("figcaption", "", caption), grid(numbers, columns, { most, label: caption }));
}

/** Lists what each input map adds, strongest first; a click on a map shows its products. */
function channelList({ parts }, chosen, choose) {
  const sorted = [...parts].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const most = Math.abs(sorted[0].sum);
  const listed = sorted.slice(0, LISTED);
  const others = sorted.slice(LISTED);
  const list = element("ul", "channels");
  for (const { channel, sum } of listed) {
    const button = element("button", "", words("howFrom", { map: channel + 1 }), element("b", "", part(sum)));
    button.type = "button";
    button.setAttribute("aria-pressed", channel === chosen);
    button.style.setProperty("--share", most ? Math.abs(sum) / most : 0);
    button.classList.toggle("negative", sum < 0);
    button.addEventListener("click", () => choose(channel));
    list.append(element("li", "", button));
  }
  if (others.length > 0) {
    const sum = others.reduce((total, one) => total + one.sum, 0);
    list.append(element("li", "others", words("howOthers", { count: others.length }), element("b", "", part(sum))));
  }
  return element("div", "from", element("p", "note", words("howChannels", { count: parts.length })), list);
}

function equation({ parts, sum, bias, value }, one) {
  const count = one.products.length;
  const key = parts.length > 1 ? "howSumMany" : "howSumOne";
  return element(
    "p",
    "equation",
    words(key, { count, maps: parts.length, sum: numeral(sum, 3), bias: bracketed(bias, 3) }),
    " = ",
    element("b", "result", numeral(value, 3)),
  );
}
