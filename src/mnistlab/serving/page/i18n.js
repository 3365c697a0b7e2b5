// The page's words in the visitor's language, and how each language writes numbers.

import { keep, recall } from "./storage.js";
import { MORE_ENGLISH } from "./words/en-more.js";
import { ENGLISH } from "./words/en.js";
import { MORE_FRENCH } from "./words/fr-more.js";
import { FRENCH } from "./words/fr.js";

export const WORDS = { en: { ...ENGLISH, ...MORE_ENGLISH }, fr: { ...FRENCH, ...MORE_FRENCH } };
const NO_BREAK = "\u00a0";
const NARROW_NO_BREAK = "\u202f";

export let language = "en";

/** Puts in the non-breaking spaces that French has before high punctuation. */
function frenchSpaces(text) {
  return text
    .replace(/ ([;?!])/g, `${NARROW_NO_BREAK}$1`)
    .replace(/ ([:%»])/g, `${NO_BREAK}$1`)
    .replace(/« /g, `«${NO_BREAK}`);
}

/** Whether the page has no server, only the files of `mnistlab site`. */
export const isAlone = document.querySelector("meta[name=mnistlab-site]") !== null;

/** The words of `key`, with {name} replaced by values.name. A page without a server may have other words for the same key. */
export function words(key, values = {}) {
  const spoken = WORDS[language];
  const text = ((isAlone && spoken[`${key}Alone`]) || spoken[key]).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return language === "fr" ? frenchSpaces(text) : text.replace(/ %/g, `${NO_BREAK}%`);
}

/** The title of a model; the model that comes with mnistlab has one in the visitor's language. */
export function modelOption({ id, title }) {
  const option = new Option(title, id);
  if (title === ENGLISH.bundledReader) {
    option.dataset.text = "bundledReader";
    option.textContent = words("bundledReader");
  }
  return option;
}

const formats = new Map();

export function decimal(number, digits = 1) {
  const key = language + digits;
  if (!formats.has(key)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    formats.set(key, new Intl.NumberFormat(language, options));
  }
  return formats.get(key).format(number);
}

/** A fraction as "98.3 %". */
export function share(fraction, digits = 1) {
  return decimal(100 * fraction, digits) + NO_BREAK + "%";
}

/** A probability in the form of `share`, but never rounded up to 100 %, because no network is certain. */
export function percent(probability, digits = 1) {
  return share(Math.min(probability, 1 - 10 ** (-digits - 2)), digits);
}

export function preferredLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  for (const wish of [asked, recall("localStorage", "mnistlab-language"), ...navigator.languages]) {
    const short = wish?.slice(0, 2).toLowerCase();
    if (short in WORDS) return short;
  }
  return "en";
}

export function setLanguage(wanted, remember = false) {
  language = wanted;
  if (remember) keep("localStorage", "mnistlab-language", wanted);
  document.documentElement.lang = wanted;
  document.title = words("title");
  for (const link of document.querySelectorAll("a[data-en]")) link.href = link.dataset[wanted];
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = words(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", words(element.dataset.label));
  for (const element of document.querySelectorAll("[data-title]")) element.title = words(element.dataset.title);
}
