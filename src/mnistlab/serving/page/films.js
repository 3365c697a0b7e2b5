// Training runs to replay: a film of each, with states of its network, whose answers to a picture are computed here.

import { training, trainings } from "./api.js";
import { softmax } from "./inside/arithmetic.js";
import { networksOf } from "./network.js";
import { fromBase64 } from "./state.js";

let listed = null;
const films = new Map();

/** The training runs that the server offers: [{id, title}]; the last is the one that comes with mnistlab. */
export function listTrainings() {
  listed ??= trainings().then(
    ({ trainings: given }) => given,
    (error) => {
      listed = null; // to be requested again
      throw error;
    },
  );
  return listed;
}

/**
 * The film of a training run, with its `networks`, one for each of the steps in `whole`. Throws the server's refusal, with its
 * status, and a RangeError if the film's numbers do not fit.
 */
export function loadFilm(id) {
  if (!films.has(id)) {
    films.set(id, open(id));
    films.get(id).catch(() => films.delete(id));
  }
  return films.get(id);
}

async function open(id) {
  const given = await training(id);
  const film = {
    ...given,
    values: addedUp(new Int8Array(fromBase64(given.values).buffer), given.whole.length),
    scales: new Float32Array(fromBase64(given.scales).buffer),
    vectors: new Float32Array(fromBase64(given.vectors).buffer),
  };
  return { ...film, networks: networksOf(film) };
}

/** Decodes the states' values in place: each after the first is stored as its differences from the state before, modulo 256. */
function addedUp(values, states) {
  const count = values.length / states;
  for (let i = count; i < values.length; i += 1) values[i] += values[i - count];
  return values;
}

/** Whether an error of `loadFilm` says that the training run's file is damaged. */
export const isDamaged = (error) => error.status === 422 || error instanceof RangeError;

/** A state's answer to pixels: the output of each layer, and the probabilities. */
export function lookAt(network, pixels) {
  const outputs = network.look(pixels);
  return { outputs, probabilities: softmax(outputs.at(-1).values).probabilities };
}
