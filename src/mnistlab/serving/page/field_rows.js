// The list of fields: name, pattern, what was read, and why a person should check it. A row is not rebuilt while the visitor
// types in it.

import { words } from "./i18n.js";

const list = document.getElementById("field-rows");
/** The row of each field. */
const rows = new Map();

/** `act` is {choose(index), change(index, values), remove(index)}. */
export function show(fields, chosen, act) {
  for (const [field, row] of rows) {
    if (fields.includes(field)) continue;
    row.body.remove();
    rows.delete(field);
  }
  document.getElementById("field-table").hidden = fields.length === 0;
  fields.forEach((field, index) => {
    if (!rows.has(field)) rows.set(field, makeRow());
    const row = rows.get(field);
    if (list.tBodies[index] !== row.body) list.insertBefore(row.body, list.tBodies[index] ?? null);
    fill(row, field, index === chosen);
    row.name.onchange = () => act.change(index, { name: row.name.value.trim() || field.name });
    row.pattern.onchange = () => act.change(index, { pattern: row.pattern.value || undefined });
    row.remove.onclick = () => act.remove(index);
    row.body.onfocusin = () => chosen !== index && act.choose(index);
    row.body.onclick = row.body.onfocusin;
  });
}

function fill(row, field, isChosen) {
  row.body.classList.toggle("chosen", isChosen);
  for (const [input, value] of [
    [row.name, field.name],
    [row.pattern, field.pattern ?? ""],
  ])
    if (document.activeElement !== input) input.value = value;
  row.name.setAttribute("aria-label", words("fieldNameOf", { name: field.name }));
  row.pattern.setAttribute("aria-label", words("fieldPatternOf", { name: field.name }));
  row.remove.setAttribute("aria-label", words("fieldRemove", { name: field.name }));
  row.remove.title = words("fieldRemove", { name: field.name });
  row.text.textContent = field.entry ? field.entry.text || "–" : "…";
  row.why.hidden = !field.entry?.check;
  row.whyText.textContent = field.entry?.check ? words("fieldCheck", { why: field.entry.why.join(words("semicolon")) }) : "";
}

function make(tag, properties, ...inside) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
}

function makeRow() {
  const row = {
    name: make("input", { type: "text", maxLength: 100 }),
    pattern: make("input", { type: "text", maxLength: 100, placeholder: "\\d{4}", spellcheck: false }),
    text: make("td", { className: "read" }),
    remove: make("button", { type: "button", textContent: "×", className: "remove" }),
    whyText: make("td", { colSpan: 4 }),
  };
  row.why = make("tr", { className: "why-check" }, row.whyText);
  const cells = [make("td", {}, row.name), make("td", {}, row.pattern), row.text, make("td", {}, row.remove)];
  row.body = make("tbody", {}, make("tr", {}, ...cells), row.why);
  return row;
}
