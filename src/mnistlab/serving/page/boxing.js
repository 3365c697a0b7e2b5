// Boxes on the picture, drawn, moved and resized by mouse, finger or pen, and by keyboard.

import { overlay, svg } from "./frames.js";
import { between, cornersOf, moved } from "./layout.js";

const LEAST_DRAG = 4; // in pixels of the screen: a shorter drag is a click
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.005;

/**
 * `boxes` is {active(), projection(), list(), chosen(), choose(index), add(box), change(index, box), remove(index), done()}:
 * which boxes there are, and where. `change` is called while a box moves, `done` when it has stopped.
 */
export function listenForBoxing(boxes, picture) {
  /** The point on the sheet under the pointer, as fractions of the sheet. */
  const at = (event) => {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(overlay.getScreenCTM().inverse());
    return boxes.projection().toSheet([x, y]);
  };
  let drag = null;

  overlay.addEventListener("pointerdown", (event) => {
    if (!boxes.active() || event.button !== 0) return;
    event.preventDefault();
    picture.focus({ preventScroll: true });
    overlay.setPointerCapture(event.pointerId);
    const handle = event.target.closest("[data-corner]");
    const index = Number(event.target.closest("[data-index]")?.dataset.index ?? -1);
    const start = { from: at(event), x: event.clientX, y: event.clientY, moved: false };
    if (handle) {
      const opposite = cornersOf(boxes.list()[boxes.chosen()])[(Number(handle.dataset.corner) + 2) % 4];
      drag = { ...start, from: opposite, index: boxes.chosen(), how: "resize" };
    } else if (index >= 0) {
      boxes.choose(index);
      drag = { ...start, index, how: "move", box: boxes.list()[index] };
    } else {
      drag = { ...start, index: null, how: "draw" };
    }
  });

  overlay.addEventListener("pointermove", (event) => {
    if (drag === null) return;
    drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) >= LEAST_DRAG;
    if (!drag.moved) return;
    const [x, y] = at(event);
    if (drag.how === "move") {
      boxes.change(drag.index, moved(drag.box, [x - drag.from[0], y - drag.from[1]]));
      return;
    }
    const box = between(drag.from, [x, y]);
    if (drag.index === null) drag.index = boxes.add(box);
    else boxes.change(drag.index, box);
  });

  const end = () => {
    if (drag === null) return;
    const { moved: hasMoved, how } = drag;
    drag = null;
    if (hasMoved) boxes.done();
    else if (how === "draw") boxes.choose(null);
  };
  overlay.addEventListener("pointerup", end);
  overlay.addEventListener("pointercancel", end);

  picture.addEventListener("keydown", (event) => {
    if (!boxes.active()) return;
    const [index, count] = [boxes.chosen(), boxes.list().length];
    const step = STEPS[event.key]?.map((one) => one * STEP * (event.ctrlKey ? 0.2 : 1));
    if (event.key === "PageDown" && count) boxes.choose(index === null ? 0 : (index + 1) % count);
    else if (event.key === "PageUp" && count) boxes.choose(index === null ? count - 1 : (index + count - 1) % count);
    else if (index !== null && (event.key === "Delete" || event.key === "Backspace")) boxes.remove(index);
    else if (index !== null && event.key === "Escape") boxes.choose(null);
    else if (index !== null && step) {
      const box = boxes.list()[index];
      const [x, y, width, height] = box;
      const larger = () => between([x, y], [x + Math.max(width + step[0], 0), y + Math.max(height + step[1], 0)]);
      boxes.change(index, event.shiftKey ? larger() : moved(box, step));
    } else return;
    event.preventDefault();
  });
  picture.addEventListener("keyup", (event) => {
    if (boxes.active() && event.key in STEPS) boxes.done();
  });
}

/** The handles for resizing a box: a round one on each corner, with a fixed size on the screen. */
export function handles(corners, radius) {
  return corners.map(([x, y], corner) => svg("circle", { class: "handle", "data-corner": corner, cx: x, cy: y, r: radius }));
}
