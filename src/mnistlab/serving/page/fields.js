// The fields of a form: boxes drawn on the picture, the content of each, and the layout file that stores them.

import { findSheet, newestOnly, readFields, report } from "./api.js";
import { handles, listenForBoxing } from "./boxing.js";
import * as rows from "./field_rows.js";
import { overlay, placeFrame, svg } from "./frames.js";
import { language, words } from "./i18n.js";
import { boxOf, cornersOf, freeName, projection, toToml } from "./layout.js";
import { offer } from "./picture_text.js";

const part = (name) => document.getElementById(name);
const MOST_LABELS = 16; // if there are more, which would hide the writing, only the chosen box shows its name
/** `by` is what boxes are fractions of: "picture", "frame", "corners", or "form", a picture of the empty form. */
const layout = { by: "picture", formName: null, form: null, fields: [] };
/** A layout file that was opened, kept until the server has parsed it. */
let opened = null;
let chosen = null;
let corners = null;
/** The language in which the server last said what to check. */
let spoken = null;
let host;

/** `given` is {isShown(), picture(), ask(), redraw()}, from the surrounding panel. */
export function listenForFields(given) {
  host = given;
  listenForBoxing(boxes, part("picture"));
}

/** Reads the fields in a picture; if there are none, only finds the sheet. The answer is that of /read. */
export async function readIn(model, file, type) {
  if (opened === null && layout.fields.length === 0) {
    const { size, corners: sheet } = await findSheet(file, type, layout.by === "form" ? "picture" : layout.by);
    return { text: "", size, lines: [], sheet };
  }
  const answer = await readFields(model, file, opened ?? toToml(layout), layout.form);
  if (opened !== null) understood(answer.layout);
  return answer;
}

function understood({ sheet, form, fields }) {
  opened = null;
  chosen = null;
  Object.assign(layout, { by: form === null ? sheet : "form", formName: form, fields });
  if (form === null) layout.form = null;
}

/** Takes over what was read; `corners` are those of the sheet in the picture. */
export function take(answer) {
  corners = answer.sheet.map(([x, y]) => [x + 0.5, y + 0.5]);
  spoken = language;
  for (const field of layout.fields) field.entry = answer.fields?.[field.name] ?? null;
}

/** Turns the cells of a table into fields, as fractions of a frame, the sheet or the picture, whichever is found. */
export async function makeOf(cells, file, type, nameOf) {
  for (const by of ["frame", "corners", "picture"]) {
    const found = await findSheet(file, type, by).catch((error) => {
      if (error.status !== 422) throw error;
      return null;
    });
    if (found === null) continue;
    const { toSheet } = projection(found.corners);
    const placed = cells.map((cell) => cell.corners.map(toSheet));
    const outside = placed.flat(2).some((at) => at < -0.02 || at > 1.02);
    if (outside && by !== "picture") continue;
    const fields = cells.map((cell, index) => ({ name: nameOf(cell), box: boxOf(placed[index]) }));
    Object.assign(layout, { by, form: null, formName: null, fields });
    opened = chosen = null;
    return;
  }
}

// What is on the picture.

const boxes = {
  active: () => host.isShown() && corners !== null,
  projection: () => projection(corners),
  list: () => layout.fields.map((field) => field.box),
  chosen: () => chosen,
  choose(index) {
    chosen = index;
    host.redraw();
  },
  add(box) {
    chosen = layout.fields.push({ name: freeName(layout.fields, words("fieldName")), box }) - 1;
    host.redraw();
    return chosen;
  },
  change(index, box) {
    Object.assign(layout.fields[index], { box, entry: null });
    host.redraw();
  },
  remove(index) {
    layout.fields.splice(index, 1);
    chosen = layout.fields.length ? Math.min(index, layout.fields.length - 1) : null;
    host.redraw();
    part("picture").focus({ preventScroll: true }); // the button that had the focus is gone
    readAgain();
  },
  done: () => readAgain(),
};

const readAgain = () => host.ask();

/** A frame for each field, in a picture of that width; the chosen field has handles. */
export function frames([width]) {
  if (corners === null) return [];
  const { toPicture } = projection(corners);
  const scale = width / (overlay.getBoundingClientRect().width || width);
  return layout.fields.map((field, index) => {
    const places = cornersOf(field.box).map(toPicture);
    const kind = field.entry?.check ? "place doubtful" : "place";
    const frame = placeFrame(places.map(([x, y]) => [x - 0.5, y - 0.5]), kind, index);
    const size = 14 * scale;
    if (index === chosen || layout.fields.length <= MOST_LABELS)
      frame.append(svg("text", { x: places[0][0], y: places[0][1] - 4 * scale, "font-size": size }, field.name));
    frame.classList.toggle("chosen", index === chosen);
    if (index === chosen) frame.append(...handles(places, 7 * scale));
    return frame;
  });
}

export function summary() {
  const count = layout.fields.length;
  if (count === 0) return words("fieldsDraw");
  const doubtful = layout.fields.filter((field) => field.entry?.check).length;
  const found = words(count === 1 ? "fieldsOne" : "fieldsMany", { count });
  return `${found}, ${doubtful ? words("fieldsToCheck", { count: doubtful }) : words("fieldsFine")}`;
}

// What is beside the picture.

export function refresh() {
  if (spoken !== language && layout.fields.some((field) => field.entry?.check)) {
    spoken = language;
    readAgain();
  }
  part("layout-by").value = layout.by;
  part("layout-form").hidden = !needsForm();
  part("layout-save").hidden = layout.fields.length === 0;
  part("layout-note").textContent = layout.by === "form" ? words("layoutKeepForm", { name: layout.formName }) : "";
  if (layout.fields.length) offer(part("layout-save"), toToml(layout), "application/toml");
  rows.show(layout.fields, chosen, {
    choose: boxes.choose,
    remove: boxes.remove,
    change(index, values) {
      Object.assign(layout.fields[index], values);
      host.redraw();
      readAgain();
    },
  });
}

const needsForm = () => layout.form === null && (layout.by === "form" || /^\s*form\s*=/m.test(opened ?? ""));

part("field-add").addEventListener("click", () => {
  if (!boxes.active()) return;
  boxes.add([0.4, 0.45, 0.2, 0.06]);
  part("picture").focus();
  readAgain();
});

part("layout-by").addEventListener("change", () => newSheet(part("layout-by").value));

/** Places the boxes on another sheet, at the same positions. */
const newSheet = newestOnly(async (by) => {
  const { file, type } = host.picture();
  const found = await findSheet(file, type, by === "form" ? "picture" : by).catch((error) => {
    part("layout-by").value = layout.by;
    throw error;
  });
  const { toPicture } = projection(corners);
  const { toSheet } = projection(found.corners.map(([x, y]) => [x + 0.5, y + 0.5]));
  for (const field of layout.fields) field.box = boxOf(cornersOf(field.box).map((at) => toSheet(toPicture(at))));
  Object.assign(layout, { by, form: by === "form" ? file : null, formName: by === "form" ? (file.name ?? "form.png") : null });
  host.ask();
});

part("layout-open").addEventListener("change", async () => {
  const [file] = part("layout-open").files;
  part("layout-open").value = "";
  if (!file) return;
  opened = await file.text();
  layout.form = null;
  host.redraw();
  if (!needsForm()) host.ask();
});

part("form-picture").addEventListener("change", () => {
  const [file] = part("form-picture").files;
  part("form-picture").value = "";
  if (!file) return;
  layout.form = file;
  host.ask();
});

/** Says why the fields could not be read. An opened layout is dropped, and the previous boxes stay. */
export function failed(error) {
  opened = null;
  if (layout.by !== "form") layout.form = null;
  for (const field of layout.fields) field.entry = null;
  report(error);
}
