// The sheet: strokes as lists of points, drawn sharply on the screen, and as a small grey picture for the server.

import { greyBitmap } from "./bitmap.js";
import { colour } from "./colours.js";

/** The sheet's own units, independent of its size on the screen. */
export const WIDTH = 1000;
export const HEIGHT = 800;
const BASE_LINE = 640;
const TOP_LINE = 160;
const PICTURE_HEIGHT = 200;
/** Raw updates arrive immediately, moves only with the next frame; not every browser has raw updates. */
const MOVES = "onpointerrawupdate" in window ? "pointerrawupdate" : "pointermove";

/** A smooth curve through the midpoints of the points: a hand-drawn line has no corners where the mouse was sampled. */
function trace(path, points) {
  const [first] = points;
  path.moveTo(first.x, first.y);
  for (let i = 1; i < points.length - 1; i += 1) {
    const here = points[i];
    const next = points[i + 1];
    path.quadraticCurveTo(here.x, here.y, (here.x + next.x) / 2, (here.y + next.y) / 2);
  }
  const last = points.at(-1);
  path.lineTo(last.x + (points.length === 1 ? 0.01 : 0), last.y); // a line without length would not show as a dot
}

export function drawStrokes(context, strokes, ink) {
  context.strokeStyle = ink;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const { width, points } of strokes) {
    context.lineWidth = width;
    context.beginPath();
    trace(context, points);
    context.stroke();
  }
}

export class Sheet {
  /** `changed()` is called after each change; `newest` is then the time of the event that made it. */
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.history = [];
    this.penWidth = 30;
    this.pointer = null;
    this.newest = 0;
    this.frame = null;
    this.pen = { x: WIDTH / 2, y: HEIGHT / 2, down: false, shown: false };
    this.small = document.createElement("canvas");
    this.small.height = PICTURE_HEIGHT;
    this.small.width = (PICTURE_HEIGHT * WIDTH) / HEIGHT;
    this.smallContext = this.small.getContext("2d", { willReadFrequently: true });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener(MOVES, (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#up(event));
    canvas.addEventListener("blur", () => this.hidePen());
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  get empty() {
    return this.strokes.length === 0;
  }

  /** Where the pen was last, in the sheet's units. */
  get lastPoint() {
    return this.strokes.at(-1)?.points.at(-1) ?? null;
  }

  begin(point, width = this.penWidth) {
    this.history.push(this.strokes);
    this.strokes = [...this.strokes, { width, points: [point] }];
  }

  extend(point) {
    this.strokes.at(-1).points.push(point);
  }

  undo(time = performance.now()) {
    if (this.history.length === 0) return;
    this.strokes = this.history.pop();
    this.pointer = null;
    this.pen.down = false;
    this.note(time);
  }

  clear(time = performance.now()) {
    if (this.empty) return;
    this.history.push(this.strokes);
    this.strokes = [];
    this.pointer = null;
    this.pen.down = false;
    this.note(time);
  }

  /** Replaces the strokes on the sheet; undo brings the old ones back. */
  load(strokes) {
    this.history.push(this.strokes);
    this.strokes = strokes;
    this.pointer = null;
    this.note(performance.now());
  }

  /** Makes the sheet like a new one: nothing is on it, and nothing can be undone. */
  wipe() {
    this.load([]);
    this.history = [];
  }

  /** Redraws, and reports a change. */
  note(time) {
    this.newest = time;
    this.draw();
    this.changed();
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * WIDTH,
      y: ((event.clientY - box.top) / box.height) * HEIGHT,
    };
  }

  #down(event) {
    if (this.pointer !== null || event.button !== 0) return; // a second finger or the palm does not draw
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.hidePen();
    this.begin(this.#point(event));
    this.note(event.timeStamp);
  }

  #move(event) {
    if (event.pointerId !== this.pointer) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.length > 0 ? moves : [event]) this.extend(this.#point(move));
    this.note(event.timeStamp);
  }

  #up(event) {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  hidePen() {
    this.pen.shown = false;
    this.pen.down = false;
    this.draw();
  }

  movePen(dx, dy, time) {
    this.pen.shown = true;
    this.pen.x = Math.min(WIDTH, Math.max(0, this.pen.x + dx));
    this.pen.y = Math.min(HEIGHT, Math.max(0, this.pen.y + dy));
    if (this.pen.down) {
      this.extend({ x: this.pen.x, y: this.pen.y });
      this.note(time);
    } else {
      this.draw();
    }
  }

  togglePen(time) {
    this.pen.shown = true;
    this.pen.down = !this.pen.down;
    if (this.pen.down) {
      this.begin({ x: this.pen.x, y: this.pen.y });
      this.note(time);
    } else {
      this.draw();
    }
  }

  #resize() {
    const scale = window.devicePixelRatio;
    this.canvas.width = Math.round(this.canvas.clientWidth * scale);
    this.canvas.height = Math.round(this.canvas.clientHeight * scale);
    this.#drawNow(); // the new size cleared the canvas: draw before it is painted
  }

  /** Draws once with the next frame, however often it is called before. */
  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.#drawNow();
    });
  }

  #drawNow() {
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.setTransform(this.canvas.width / WIDTH, 0, 0, this.canvas.height / HEIGHT, 0, 0);
    this.#drawRules(context);
    drawStrokes(context, this.strokes, colour("ink"));
    if (this.pen.shown) this.#drawPen(context);
  }

  #drawRules(context) {
    context.strokeStyle = colour("rule");
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(60, BASE_LINE);
    context.lineTo(WIDTH - 60, BASE_LINE);
    context.stroke();
    context.setLineDash([2, 12]);
    context.beginPath();
    context.moveTo(60, TOP_LINE);
    context.lineTo(WIDTH - 60, TOP_LINE);
    context.stroke();
    context.setLineDash([]);
  }

  #drawPen(context) {
    const { x, y, down } = this.pen;
    context.strokeStyle = colour("accent");
    context.fillStyle = colour("accent");
    context.lineWidth = 4;
    context.beginPath();
    context.arc(x, y, 22, 0, 2 * Math.PI);
    context.stroke();
    context.beginPath();
    context.arc(x, y, down ? 12 : 3, 0, 2 * Math.PI);
    context.fill();
  }

  /** Black ink on white paper as an 8-bit grey BMP: it is written immediately, whereas a canvas takes its time to make a PNG. */
  toPicture() {
    const { width, height } = this.small;
    const context = this.smallContext;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.setTransform(width / WIDTH, 0, 0, height / HEIGHT, 0, 0);
    drawStrokes(context, this.strokes, "black");
    return greyBitmap(context.getImageData(0, 0, width, height));
  }
}
