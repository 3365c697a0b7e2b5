// Computes the answers in a separate thread, so that the pen never waits for them.

import { Classifier, largestOf } from "../onnx/classifier.js";
import { NotOnnx } from "../onnx/file.js";
import { isFast } from "../onnx/matrix.js";
import { UnknownOperator } from "../onnx/session.js";
import { Finder } from "../reading/finder.js";
import { readPicture, shownProbability } from "../reading/reader.js";
import { pictureOf } from "./decode.js";

/** A request cannot be answered; `key` names the reason among the page's words. */
class Problem extends Error {
  constructor(status, key, values = {}, retryAfter = null) {
    super(key);
    Object.assign(this, { status, key, values, retryAfter });
  }
}

const opened = new Map();

/** The result of `make` for a file's bytes, made only once. */
function open(address, name, make) {
  if (!opened.has(address)) {
    const asked = fetchBytes(address, name).then((bytes) => made(bytes, name, make));
    opened.set(address, asked);
    asked.catch(() => opened.delete(address)); // to be requested again
  }
  return opened.get(address);
}

async function fetchBytes(address, name) {
  const response = await fetch(address).catch(() => null);
  if (!response) throw new Problem(0, "fileMissing", { file: name }, 2);
  if (!response.ok) throw new Problem(response.status, "fileMissing", { file: name });
  return new Uint8Array(await response.arrayBuffer());
}

function made(bytes, name, make) {
  try {
    return make(bytes);
  } catch (error) {
    if (error instanceof UnknownOperator) throw new Problem(422, "operatorUnknown", { model: name, operators: error.message });
    if (error instanceof NotOnnx) throw new Problem(422, "modelBroken", { model: name, reason: error.message });
    throw error;
  }
}

const classifierOf = ({ file, id, threshold }) => open(file, id, (bytes) => new Classifier(bytes, threshold));
const finderOf = (address) => open(address, "finder", (bytes) => new Finder(bytes));

/** An array in the form in which the page expects it from the API: with its number of bits. */
const told = (array) => array && { ...array, bits: 32 };
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

const TASKS = {
  async read({ model, finder, body, type }) {
    const [classifier, picture] = await Promise.all([classifierOf(model), pictureOf(body, type)]);
    if (!picture) throw new Problem(422, "pictureFailed");
    const started = performance.now();
    const answer = await readPicture(() => finderOf(finder), classifier, picture);
    const milliseconds = performance.now() - started;
    for (const line of answer.lines) {
      for (const digit of line.digits) {
        digit.image = base64(digit.pixels);
        delete digit.pixels;
        digit.probabilities = Array.from(digit.probabilities);
      }
    }
    return { model: model.id, ...answer, milliseconds };
  },

  async classify({ model, images }) {
    const classifier = await classifierOf(model);
    const probabilities = classifier.classify(images).map((row) => Array.from(row));
    const labels = probabilities.map(largestOf);
    return {
      model: model.id,
      values: labels.map((label) => classifier.values[label]),
      probabilities,
      accepted: labels.map((label, n) => probabilities[n][label] >= classifier.threshold),
    };
  },

  async explain({ model, image, parts }) {
    const classifier = await classifierOf(model);
    const asked = parts.split(",");
    const [probabilities] = classifier.classify(image);
    const label = largestOf(probabilities);
    const sight = asked.includes("layers") ? classifier.see(image) : { given: null, layers: [], looks: [], logits: null };
    return {
      model: model.id,
      value: classifier.values[label],
      probability: shownProbability(probabilities[label]),
      accepted: probabilities[label] >= classifier.threshold,
      classes: classifier.classes,
      probabilities: Array.from(probabilities),
      logits: sight.logits,
      temperature: classifier.temperature,
      looks: sight.looks,
      given: told(sight.given),
      layers: sight.layers.map((layer) => ({ ...layer, array: told(layer.array) })),
      why: asked.includes("why") ? told({ shape: [28, 28], values: classifier.why(image) }) : null,
    };
  },

  async network({ model }) {
    return { model: model.id, ...(await classifierOf(model)).network() };
  },
};

if (!isFast) self.postMessage({ note: "slowRefused" });

self.addEventListener("message", async ({ data: { id, task, given } }) => {
  try {
    self.postMessage({ id, answer: await TASKS[task](given) });
  } catch (error) {
    const problem = error instanceof Problem ? { ...error } : { fault: `${error.stack ?? error}` };
    self.postMessage({ id, problem });
  }
});
