// Asks the server or, if the page has none, the browser itself for answers, and says calmly what goes wrong.

import { isAlone, words } from "./i18n.js";
import { takeFromAddress } from "./link.js";
import { Refusal } from "./refusal.js";
import { TOKEN } from "./served.js";
import { keep } from "./storage.js";

/** The module that answers: both modules have the same functions, with the same answers. */
export const { models, trainings, training, network, read, readFields, findSheet, classify, explain } = await import(
  isAlone ? "./alone/backend.js" : "./served.js"
);

const message = document.getElementById("message");
const tokenForm = document.getElementById("token-form");

/** How many failures have been reported. */
let failures = 0;

/** A token in the address (#token=XYZ) is kept for this tab and removed from the address. */
function rememberToken() {
  const given = takeFromAddress("token");
  if (given !== null) keep("sessionStorage", TOKEN, given);
}

/** Shows why a request failed, under the sheet. */
export function report(error) {
  failures += 1;
  if (!(error instanceof Refusal)) {
    reportError(error); // a bug in this page: log it to the console
  } else if (error.status === 401) {
    message.textContent = words("tokenNeeded");
    tokenForm.hidden = false;
  } else {
    message.textContent = error.status === 503 ? words("busy") : error.message;
  }
}

export function allIsWell() {
  if (message.textContent) message.textContent = "";
}

/** Calls `again` once the visitor has given a token. */
export function listenForToken(again) {
  rememberToken();
  tokenForm.addEventListener("submit", (event) => {
    event.preventDefault();
    keep("sessionStorage", TOKEN, document.getElementById("token").value.trim());
    tokenForm.hidden = true;
    allIsWell();
    again();
  });
}

/**
 * Makes a function that passes jobs to `work`, one at a time: a job that comes while another is in progress waits, and is
 * dropped if a newer one comes. So a result is never replaced by an older one.
 */
export function newestOnly(work) {
  let waiting = null;
  let underWay = false;
  let known = 0; // the number of failures when a job was last offered or failed
  return async function offer(job) {
    waiting = { job };
    known = failures;
    if (underWay) return;
    underWay = true;
    while (waiting) {
      const { job: next } = waiting;
      waiting = null;
      try {
        await work(next);
        if (known === failures) allIsWell(); // an answer requested before a failure does not mean that the trouble is over
      } catch (error) {
        report(error);
        known = failures;
        if (error.retryAfter) {
          await new Promise((resolve) => setTimeout(resolve, 1000 * error.retryAfter));
          waiting ??= { job: next };
          known = failures;
        }
      }
    }
    underWay = false;
  };
}
