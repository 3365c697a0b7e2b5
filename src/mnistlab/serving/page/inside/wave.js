// Lets the drawing run through the network once when the pen rests.

const LENGTH = 600;
/** The pen counts as resting when nothing new has come for this many milliseconds. */
const REST = 150;
const DIM = 0.14;
const GLOW = 70;

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const still = document.createElement("canvas");

let started = null;
let timer = null;
let isDown = false;
let whenAtRest = () => {};

addEventListener("pointerdown", (event) => (isDown = event.target.id === "sheet"), true);
for (const kind of ["pointerup", "pointercancel"]) {
  addEventListener(
    kind,
    () => {
      isDown = false;
      if (timer === "waiting") whenAtRest();
      if (timer === "waiting") timer = null;
    },
    true,
  );
}

/** Calls `then` once nothing has been drawn for a moment and no pen is on the sheet; a later call replaces an earlier one. */
export function onceAtRest(then) {
  if (timer !== "waiting") clearTimeout(timer);
  whenAtRest = then;
  timer = setTimeout(() => {
    timer = isDown ? "waiting" : null;
    if (!isDown) then();
  }, REST);
}

/** Starts the wave, unless the visitor wants no motion; returns whether it did. */
export function startWave(canvas) {
  if (calm.matches) return false;
  still.width = canvas.width;
  still.height = canvas.height;
  still.getContext("2d").drawImage(canvas, 0, 0);
  started = performance.now();
  return true;
}

export const stopWave = () => (started = null);

/** Paints the wave over the current canvas, between x `from` and `to`; false once it has run through. */
export function paintWave(context, from, to, glow) {
  if (started === null) return false;
  const share = (performance.now() - started) / LENGTH;
  if (share >= 1) {
    started = null;
    return false;
  }
  const { width, height } = still;
  const scale = window.devicePixelRatio;
  const front = (from + (to - from) * share ** 0.9) * scale;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.globalAlpha = DIM;
  context.drawImage(still, front, 0, width - front, height, front, 0, width - front, height);
  context.globalAlpha = 1;
  context.drawImage(still, 0, 0, front, height, 0, 0, front, height);
  const band = context.createLinearGradient(front - GLOW * scale, 0, front, 0);
  band.addColorStop(0, `${glow}00`);
  band.addColorStop(1, `${glow}38`);
  context.fillStyle = band;
  context.fillRect(front - GLOW * scale, 0, GLOW * scale, height);
  return true;
}
