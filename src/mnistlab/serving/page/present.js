// ?present: the page on a projector, in large type, with a key for each tab and F for full screen.

import { words } from "./i18n.js";
import { openTab, tabs } from "./tabs.js";

const button = document.getElementById("full-screen");
const isPresenting = "present" in document.documentElement.dataset;

export function nameFullScreen() {
  button.textContent = words(document.fullscreenElement ? "fullScreenEnd" : "fullScreen");
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen().catch(() => {}); // the browser may not allow it: everything stays as it is
}

if (isPresenting) {
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", toggleFullScreen);
  document.addEventListener("fullscreenchange", nameFullScreen);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=range]), select")) return;
    const tab = tabs[Number(event.key) - 1];
    if (tab) openTab(tab.id.slice("tab-".length));
    else if (event.key.toLowerCase() === "f" && document.fullscreenEnabled) toggleFullScreen();
    else return;
    event.preventDefault();
  });
}
