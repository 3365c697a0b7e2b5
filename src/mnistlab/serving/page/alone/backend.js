// Answers requests in the browser instead of on a server, from the files that `mnistlab site` wrote. The functions are those of
// served.js.

import { words } from "../i18n.js";
import { Refusal, RETRY_SECONDS } from "../refusal.js";

const place = document.querySelector("meta[name=mnistlab-site]").content;
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let number = 0;

worker.addEventListener("message", ({ data: { id, answer, problem, note } }) => {
  if (note) document.getElementById("notice").textContent = words(note);
  if (!waiting.has(id)) return;
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  if (problem?.fault) reject(new Error(problem.fault));
  else if (problem) reject(new Refusal(problem.status, words(problem.key, problem.values), problem.retryAfter));
  else resolve(answer);
});
worker.addEventListener("error", (event) => {
  event.preventDefault();
  for (const { reject } of waiting.values()) reject(new Refusal(0, words("fileMissing", { file: "worker.js" }), RETRY_SECONDS));
  waiting.clear();
});

/** Asks the worker, and returns its answer; typed arrays in `given` are copied. */
function ask(task, given = {}) {
  number += 1;
  const id = number;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, task, given });
  });
}

/** A file of the site as JSON. */
async function file(name) {
  const response = await fetch(name).catch(() => null);
  if (!response?.ok) throw new Refusal(response?.status ?? 0, words("fileMissing", { file: name }), response ? null : RETRY_SECONDS);
  return response.json();
}

let known = null;

/** What the site offers; requested only once, unless the request failed. */
function site() {
  known ??= file(place).catch((error) => {
    known = null;
    throw error;
  });
  return known;
}

/** What the worker is told about a model: its entry in the site's list with its file's address, and the finder's address. */
async function of(model) {
  const { models: listed, finder } = await site();
  const found = listed.find(({ id }) => id === model) ?? listed[0];
  return { model: { ...found, file: new URL(found.file, location.href).href }, finder: new URL(finder, location.href).href };
}

export const models = async () => ({ models: (await site()).models });

export const trainings = async () => ({ trainings: (await site()).trainings.map(({ id, title }) => ({ id, title })) });

export async function training(id) {
  const found = (await site()).trainings.find((one) => one.id === id);
  if (!found) throw new Refusal(404, words("fileMissing", { file: id }));
  return file(found.file);
}

export const network = async (model) => ask("network", await of(model));

export async function read(model, body, type, more = {}) {
  if (more.table) throw new Refusal(501, words("aloneSheets"));
  return ask("read", { ...(await of(model)), body, type });
}

const needsCommand = async () => {
  throw new Refusal(501, words("aloneSheets"));
};

/** Forms cannot be read here; the error names the command that reads them. */
export const readFields = needsCommand;
export const findSheet = needsCommand;

export const classify = async (model, images) => ask("classify", { ...(await of(model)), images });

export const explain = async (model, image, parts) => ask("explain", { ...(await of(model)), image, parts });
