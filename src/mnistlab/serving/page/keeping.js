// The drawing outlives the page: in a link, in this tab's storage, or as a picture to save.

import { decode, encode, linkTo, takeFromAddress } from "./link.js";
import { words } from "./i18n.js";
import { poster } from "./poster.js";
import { keep, recall, whenRefused } from "./storage.js";

const NAME = "mnistlab-drawing";
const REST = 300; // milliseconds until a drawing is stored
const part = (name) => document.getElementById(name);

let said = null;
/** Shows a sentence under the sheet, in the page's language; null removes it. */
function say(key) {
  said = key;
  part("notice").textContent = key ? words(key) : "";
}

export const speakAgain = () => say(said);

/** Stores what is on `sheet`, as long as `isOwn()` says that the visitor drew it. */
export function startKeeping(sheet, isOwn) {
  let timer = null;
  const save = () => {
    clearTimeout(timer);
    if (isOwn()) keep("sessionStorage", NAME, sheet.empty ? null : encode(sheet.strokes));
  };
  whenRefused(() => say("storageRefused"));
  window.addEventListener("pagehide", save);
  window.addEventListener("hashchange", () => fromAddress(sheet));
  part("link").addEventListener("click", () => copyLink(sheet));
  part("save").addEventListener("click", () => savePicture(sheet));
  return function changed() {
    part("link").disabled = part("save").disabled = sheet.empty;
    if (isOwn() && said !== "storageRefused") say(null);
    clearTimeout(timer);
    timer = setTimeout(save, REST);
  };
}

/** Puts the link's drawing, or else the previous one, on the sheet; returns whether there was one. */
export function restore(sheet) {
  if (fromAddress(sheet)) return true;
  const about = said; // what was said about the link
  const kept = recall("sessionStorage", NAME);
  try {
    if (kept) sheet.load(decode(kept));
  } catch {
    keep("sessionStorage", NAME, null); // it is from another version of the page
  }
  say(about);
  return !sheet.empty;
}

function fromAddress(sheet) {
  const given = takeFromAddress("d");
  if (given === null) return false;
  try {
    sheet.load(decode(given));
    return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    say("linkBroken");
    return false;
  }
}

async function copyLink(sheet) {
  const link = linkTo(sheet.strokes);
  try {
    await navigator.clipboard.writeText(link);
    say("linkCopied");
  } catch {
    history.replaceState(null, "", link); // there is no clipboard, as on a page without https
    say("linkInAddress");
  }
}

/** Saves the picture, with the network at a glance if the page shows it. */
function savePicture(sheet) {
  const overview = part("network");
  poster(sheet.strokes, overview.offsetParent ? [overview] : []).toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "mnistlab.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    say("pictureSaved");
  });
}
