// What the browser stores for this page: in `localStorage` for good, in `sessionStorage` for this tab. A browser may refuse.

/** What the browser refused to store, kept as long as the page is open. */
const instead = new Map();
let refused = () => {};

/** Calls `listener`, once, if the browser stores nothing. */
export function whenRefused(listener) {
  refused = listener;
}

/** The value stored under that name, or null. */
export function recall(place, name) {
  if (instead.has(name)) return instead.get(name);
  try {
    return window[place].getItem(name);
  } catch {
    return null;
  }
}

/** Stores text under that name; null removes it. */
export function keep(place, name, text) {
  try {
    if (text === null) window[place].removeItem(name);
    else window[place].setItem(name, text);
    instead.delete(name);
  } catch {
    instead.set(name, text);
    refused();
    refused = () => {};
  }
}
