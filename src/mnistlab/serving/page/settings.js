// The visitor's language and theme, and the buttons that change them.

import { forgetColours } from "./colours.js";
import { language, preferredLanguage, setLanguage, words } from "./i18n.js";
import { keep } from "./storage.js";

const languageButton = document.getElementById("language");
const themeButton = document.getElementById("theme");

let changed = () => {};

/** Adopts the visitor's language, and calls `listener` after each change of language or theme. */
export function startSettings(listener) {
  changed = listener;
  speak(preferredLanguage());
}

function speak(wanted, remember = false) {
  setLanguage(wanted, remember);
  languageButton.textContent = words("otherLanguage");
  languageButton.lang = wanted === "en" ? "fr" : "en";
  nameTheme();
  changed();
}

languageButton.addEventListener("click", () => {
  const address = new URL(location.href);
  if (address.searchParams.has("lang")) {
    address.searchParams.delete("lang"); // otherwise the address would undo the choice when the page is loaded again
    history.replaceState(null, "", address);
  }
  speak(language === "en" ? "fr" : "en", true);
});

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (systemDark.matches ? "dark" : "light")) === "dark";

function nameTheme() {
  themeButton.textContent = words(isDark() ? "lightTheme" : "darkTheme");
}

function themeChanged() {
  nameTheme();
  forgetColours();
  changed();
}

themeButton.addEventListener("click", () => {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  keep("localStorage", "mnistlab-theme", theme);
  themeChanged();
});
systemDark.addEventListener("change", themeChanged);
