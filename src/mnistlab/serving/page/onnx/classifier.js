// A model, as in mnistlab.reading.classifier and explainer: classifies images, and shows its layers and which ink counted.

import { combine } from "../inside/arithmetic.js";
import { NotOnnx, readOnnx } from "./file.js";
import { isPrepared, looksOf, stepsOf } from "./layers.js";
import { Session } from "./session.js";

const SIDE = 28;
export const PIXELS = SIDE * SIDE;
/** Images per batch. */
const BATCH = 16;
/** The standard deviation, in pixels, of the spot that is erased. */
const SPOT = 1;
const TINY = 1.1754943508222875e-38; // the smallest normal float32

/** The index of the largest value, the first if there are several. */
export function largestOf(values) {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if (values[i] > values[best]) best = i;
  return best;
}

export class Classifier {
  /** Takes the `bytes` of an ONNX file; `threshold` replaces the file's own. Throws `NotOnnx` or `UnknownOperator`. */
  constructor(bytes, threshold = null) {
    const graph = readOnnx(bytes);
    if (graph.inputs.length !== 1 || graph.inputs[0].type !== "uint8") throw new NotOnnx("it takes something else than images");
    this.bytes = bytes.length;
    this.metadata = graph.metadata;
    this.session = new Session(graph);
    [{ name: this.input }] = graph.inputs;
    this.classes = JSON.parse(graph.metadata.classes);
    this.values = this.classes.map((name) => (/^\d+$/.test(name) ? Number(name) : name));
    this.threshold = threshold ?? Number(graph.metadata.threshold ?? 0.5);
    this.temperature = Number(graph.metadata.temperature ?? 1);
    this.steps = stepsOf(graph, this.session.constants);
    this.looks = looksOf(graph);
  }

  /** The probabilities of each image (Float32Array, one per class); images are given as pixels, 0 to 255, one after another. */
  classify(images) {
    const answers = [];
    for (let first = 0; first < images.length; first += BATCH * PIXELS) {
      const values = images.subarray(first, first + BATCH * PIXELS);
      const [made] = this.session.run({ [this.input]: { shape: [values.length / PIXELS, 1, SIDE, SIDE], values } }).values();
      const classes = this.classes.length;
      for (let at = 0; at < made.values.length; at += classes) answers.push(made.values.slice(at, at + classes));
    }
    return answers;
  }

  /** Everything that the network derives from an image: {given, layers, looks, logits}, as in the API's /explain. */
  see(pixels) {
    if (this.steps.length === 0) return { given: null, layers: [], looks: [], logits: null };
    const { graph } = this.session;
    const answer = graph.outputs[0].name;
    const names = [...this.steps.map(({ output }) => output), ...this.looks.map(({ logits }) => logits), this.steps[0].source, answer];
    const given = { [this.input]: { shape: [1, 1, SIDE, SIDE], values: pixels } };
    const made = this.session.run(given, [...new Set(names)]);
    const find = (name) => {
      const { shape, values } = made.get(name);
      return { shape: shape.slice(1), values: Float32Array.from(values) }; // the batch holds one image: take its part
    };
    const layers = [];
    for (const { name, kind, output, field } of this.steps) {
      const array = find(output);
      if (array.shape.length !== 1 && array.shape.length !== 3) break;
      layers.push({ name, kind, array, field });
    }
    const probabilities = find(answer);
    layers.push({ name: "probabilities", kind: "probabilities", array: probabilities, field: null });
    return { given: find(this.steps[0].source), layers, ...this.#answerOf(this.looks.map(({ logits }) => find(logits)), probabilities) };
  }

  #answerOf(looks, probabilities) {
    const none = { looks: [], logits: null };
    if (looks.length === 0 || looks.some(({ shape }) => shape.join() !== probabilities.shape.join())) return none;
    const each = looks.map(({ values }) => Array.from(values));
    const { logits, probabilities: answer } = combine(each, this.looks.map(({ weight }) => weight), this.temperature);
    const isSame = answer.every((value, i) => Math.abs(value - probabilities.values[i]) <= 1e-3 + 1e-5 * probabilities.values[i]);
    return isSame ? { looks: each, logits: Array.from(logits) } : none;
  }

  /** By how much the answer's log-odds fall without the ink at each pixel, as in mnistlab.reading.occlusion: Float32Array. */
  why(pixels) {
    const inked = [...pixels.keys()].filter((at) => pixels[at] > 0);
    const map = new Float32Array(PIXELS);
    if (inked.length === 0) return map;
    const images = new Uint8Array(PIXELS * (inked.length + 1));
    images.set(pixels);
    inked.forEach((spot, number) => images.set(wiped(pixels, spot), PIXELS * (number + 1)));
    const probabilities = this.classify(images);
    const label = largestOf(probabilities[0]);
    const odds = probabilities.map((row) => {
      const others = row.reduce((sum, value, i) => (i === label ? sum : sum + value), 0);
      return Math.log(Math.max(row[label], TINY)) - Math.log(Math.max(others, TINY));
    });
    inked.forEach((spot, number) => (map[spot] = odds[0] - odds[number + 1]));
    return map;
  }

  /** The response of /network without the model's name, with its arrays as {shape, values}. */
  network() {
    const { graph } = this.session;
    const last = this.steps.at(-1);
    const names = ["filters", "weights", "bias", "scale", "shift"];
    return {
      complete: Boolean(last && this.looks.length && last.output === this.looks[0].logits),
      deskewed: isPrepared(graph, "GridSample"),
      evened_out: isPrepared(graph, "AveragePool"),
      looks: this.looks.map(({ weight }) => weight),
      layers: this.steps.map(({ name, kind, window, numbers, rounding }) => ({
        name,
        kind,
        window,
        ...Object.fromEntries(names.map((key) => [key, numbers[key] ?? null])),
        rounding,
      })),
    };
  }
}

/** The pixels, with a spot around one of them softly erased. */
function wiped(pixels, spot) {
  const [x, y] = [spot % SIDE, Math.floor(spot / SIDE)];
  return pixels.map((value, at) => {
    const distance = ((at % SIDE) - x) ** 2 + (Math.floor(at / SIDE) - y) ** 2;
    return Math.round(value * (1 - Math.exp(-distance / (2 * SPOT ** 2)))); // no exact halves occur, which Python rounds to even
  });
}
