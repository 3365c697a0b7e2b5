// Shows what was read in a picture as text, and offers it as files to save.

import { words } from "./i18n.js";

const part = (name) => document.getElementById(name);

/** Makes a link that saves this content. */
export function offer(link, content, type) {
  if (link.href) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([content], { type }));
}

export function showText(reading) {
  part("picture-text").textContent = reading.text;
  part("picture-text").hidden = reading.text === "";
  offer(part("picture-csv"), toCsv(reading), "text/csv");
  offer(part("picture-json"), toJson(reading), "application/json");
}

function toCsv({ lines }) {
  const rows = [["line", "position", "value", "probability", "accepted", "x", "y", "width", "height"]];
  lines.forEach((line, lineIndex) =>
    line.digits.forEach((digit, index) =>
      rows.push([lineIndex + 1, index + 1, digit.value, digit.probability, digit.accepted, ...digit.box]),
    ),
  );
  return rows.map((row) => `${row.join(",")}\n`).join("");
}

function toJson({ model, text, size, lines: read }) {
  const told = ({ value, probability, box, accepted }) => ({ value, probability, box, accepted });
  const lines = read.map(({ text: line, digits, separators = [] }) => ({
    text: line,
    digits: digits.map(told),
    separators: separators.map(told),
  }));
  return JSON.stringify({ model, text, size, lines }, null, 2);
}

/** Copies a text when the button is pressed; if the browser does not allow that, selects the text, for copying by keys or menu. */
export function copyOn(button, text, holder) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text()); // a page from another computer has no clipboard without encryption
    } catch {
      getSelection().selectAllChildren(holder);
      return;
    }
    button.textContent = words("copied");
    setTimeout(() => (button.textContent = words("copy")), 1500);
  });
}

copyOn(part("picture-copy"), () => part("picture-text").textContent, part("picture-text"));
