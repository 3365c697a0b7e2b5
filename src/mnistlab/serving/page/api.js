// Asks the server, and says calmly what goes wrong.

import { language, words } from "./i18n.js";
import { takeFromAddress } from "./link.js";
import { keep, recall } from "./storage.js";

const message = document.getElementById("message");
const tokenForm = document.getElementById("token-form");
const TOKEN = "mnistlab-token";

/** How many failures were reported. */
let failures = 0;

/** Until a server that does not answer is asked again. */
const RETRY_SECONDS = 2;

class Refusal extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** A token that came in the address (#token=XYZ) is kept for this tab and taken out of the address. */
function rememberToken() {
  const given = takeFromAddress("token");
  if (given !== null) keep("sessionStorage", TOKEN, given);
}

async function send(path, options = {}) {
  const headers = { "Accept-Language": language, ...options.headers };
  const token = recall("sessionStorage", TOKEN);
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(`api/v1/${path}`, { ...options, headers }).catch(() => {
    throw new Refusal(0, words("serverDown"), RETRY_SECONDS);
  });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  const retryAfter = response.status === 503 ? Number(response.headers.get("Retry-After")) || 1 : null;
  throw new Refusal(response.status, problem.detail ?? problem.title ?? String(response.status), retryAfter);
}

/** Shows why a request failed, under the sheet. */
export function report(error) {
  failures += 1;
  if (!(error instanceof Refusal)) {
    reportError(error); // a fault of this page: to the console
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

/** Calls `again` once the visitor gave a token. */
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

export const models = () => send("models");
export const trainings = () => send("trainings");
export const training = (id) => send(`trainings/${encodeURIComponent(id)}`);

const posted = (body, type) => ({ method: "POST", body, headers: { "Content-Type": type } });

/** Before the models are known, `model` is null: the server takes its first one. `more` is asked for beside it. */
export const read = (model, body, type, more = {}) =>
  send(`read?${new URLSearchParams({ ...(model && { model }), detail: true, ...more })}`, posted(body, type));

/** Reads the fields of a layout, a TOML file's text; `form` is the picture of the empty form, if the layout names one. */
export function readFields(model, picture, layout, form) {
  const body = new FormData();
  body.append("file", picture);
  body.append("layout", layout);
  if (form) body.append("form", form);
  return send(`read?${new URLSearchParams({ ...(model && { model }), detail: true })}`, { method: "POST", body });
}

/** Where the sheet is that fields are fractions of: "picture", "frame" or "corners". */
export const findSheet = (picture, type, by) => send(`sheet?${new URLSearchParams({ by })}`, posted(picture, type));

const bytes = { method: "POST", headers: { "Content-Type": "application/octet-stream" } };

export const classify = (model, images) =>
  send(`classify?${new URLSearchParams({ model })}`, { ...bytes, body: images });

export const explain = (model, image, parts) =>
  send(`explain?${new URLSearchParams({ model, parts })}`, { ...bytes, body: image });

/**
 * Makes a function that passes jobs to `work`, one at a time: a job that comes while one is under way waits, and is
 * dropped when a newer one comes. So what is shown is never older than what was shown before.
 */
export function newestOnly(work) {
  let waiting = null;
  let underWay = false;
  let known = 0; // failures, when a job was last offered or failed
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
        if (known === failures) allIsWell(); // an answer asked for before a failure says nothing about it
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
