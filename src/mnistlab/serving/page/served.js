// Asks the server for answers.

import { language, words } from "./i18n.js";
import { Refusal, RETRY_SECONDS } from "./refusal.js";
import { recall } from "./storage.js";

/** The storage key of the server's token. */
export const TOKEN = "mnistlab-token";

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

export const models = () => send("models");
export const trainings = () => send("trainings");
export const training = (id) => send(`trainings/${encodeURIComponent(id)}`);

export const network = (model) => send(`network?${new URLSearchParams({ model })}`);
const posted = (body, type) => ({ method: "POST", body, headers: { "Content-Type": type } });

/** Before the models are known, `model` is null, and the server uses its first model. `more` are further parameters. */
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

/** Finds the sheet that fields are fractions of, by "picture", "frame" or "corners". */
export const findSheet = (picture, type, by) => send(`sheet?${new URLSearchParams({ by })}`, posted(picture, type));

const bytes = { method: "POST", headers: { "Content-Type": "application/octet-stream" } };

export const classify = (model, images) =>
  send(`classify?${new URLSearchParams({ model })}`, { ...bytes, body: images });

export const explain = (model, image, parts) =>
  send(`explain?${new URLSearchParams({ model, parts })}`, { ...bytes, body: image });
