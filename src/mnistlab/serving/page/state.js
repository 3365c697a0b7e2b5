// The state shared by the panels: the models, the last reading, and the chosen digit.

export const state = {
  models: [],
  model: null,
  /** The server's last answer, and what it is about: see `Reading` below. */
  reading: null,
  chosen: 0,
};

/**
 * Reading: {source: "sheet" or "picture", text, size, lines, digits, body, type, drawCrop(context, box, side)}.
 * `digits` are the digits of all lines, in order, each with its `pixels` (Uint8Array of 784).
 */
export function makeReading(answer, more) {
  const digits = answer.lines.flatMap((line) => line.digits);
  for (const digit of digits) digit.pixels = fromBase64(digit.image);
  return { ...answer, ...more, digits };
}

export const chosenDigit = () => state.reading?.digits[state.chosen] ?? null;
export const modelById = (id) => state.models.find((model) => model.id === id);
export const shownValue = (digit) => (digit.accepted ? String(digit.value) : "?");

export function fromBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

const listeners = [];

/** Calls `listener` whenever the reading or the chosen digit changes. */
export function whenChanged(listener) {
  listeners.push(listener);
}

export function change(values) {
  Object.assign(state, values);
  for (const listener of listeners) listener();
}
