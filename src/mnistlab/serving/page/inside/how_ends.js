// Explains the two ends: what the network is given, and how the sums become an answer.

import { decimal, percent, words } from "../i18n.js";
import { combine } from "./arithmetic.js";
import { bracketed, element, numeral } from "./figures.js";
import { row } from "./how_steps.js";

/** How many looks are listed one by one. */
const LISTED = 6;

export function inputPart({ image, given, pixels, network }, { row: at, column }) {
  const index = at * 28 + column;
  const grey = pixels[index];
  const key = network.deskewed || network.evened_out || network.looks.length > 1 ? "howInputMoved" : "howInput";
  return element("section", "how-part", element("p", "equation", words(key, { grey, value: numeral(given.values[index], 3) })));
}

/** Shows how the softmax computes the probability of class number `map` from the sums, or from all looks. */
export function softmaxPart(sight, map) {
  const { looks, network, temperature, probabilities } = sight;
  if (looks.length === 0) {
    const sentence = words("howAnswerUnknown", { percent: percent(probabilities[map]) });
    return element("section", "how-part", element("p", "note", sentence));
  }
  const answer = combine(looks, network.looks, temperature);
  const section = element("section", "how-part looks");
  if (looks.length > 1) section.append(looksTable(sight, answer, map));
  section.append(powersTable(sight, answer, map));
  return section;
}

/** Shows the softmax of all classes, and the division that makes the probability of one. */
function powersTable({ looks, temperature, classes }, answer, map) {
  const isCalibrated = temperature !== 1;
  const note = words(isCalibrated ? "howSoftmaxAt" : "howSoftmax", { temperature: decimal(temperature, 3) });
  const table = element("table", "terms");
  const divided = isCalibrated ? [words("howDivided", { temperature: decimal(temperature, 2) })] : [];
  const logit = words(looks.length > 1 ? "howLogOfMean" : "howLogit");
  table.createTHead().append(row("th", words("howClass"), logit, ...divided, words("howPower"), words("howShare")));
  const body = table.createTBody();
  classes.forEach((name, i) => {
    const between = isCalibrated ? [numeral(answer.divided[i])] : [];
    const share = percent(answer.probabilities[i]);
    const line = row("td", name, numeral(answer.logits[i]), ...between, decimal(answer.powers[i], 5), share);
    line.classList.toggle("marked", i === map);
    body.append(line);
  });
  const division = words("howDivide", {
    highest: bracketed(answer.highest, 2),
    power: decimal(answer.powers[map], 5),
    sum: decimal(answer.sum, 5),
  });
  const result = element("b", "result", percent(answer.probabilities[map]));
  return element("div", "", element("p", "note", note), table, element("p", "equation", division, " = ", result));
}

/** Shows how the looks' probabilities of one class become their mean, the last step to the answer. */
function looksTable({ looks, network, classes }, { each, mean }, map) {
  const table = element("table", "terms");
  table.createTHead().append(row("th", words("howLook"), words("howProbabilityOf", { name: classes[map] }), words("howWeight")));
  const body = table.createTBody();
  each.slice(0, LISTED).forEach((probabilities, i) => {
    body.append(row("td", String(i + 1), percent(probabilities[map]), `× ${decimal(network.looks[i], 3)}`));
  });
  if (looks.length > LISTED) body.append(row("td", words("howOtherLooks", { count: looks.length - LISTED }), "", ""));
  return element(
    "div",
    "",
    element("p", "note", words("howLooks", { count: looks.length })),
    table,
    element("p", "equation", words("howMeanProbability"), " = ", element("b", "result", percent(mean[map], 2))),
  );
}
