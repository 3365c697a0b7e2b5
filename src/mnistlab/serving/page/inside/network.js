// The numbers with which a network computes, requested from the server once for each model.

import { network as ask } from "../api.js";
import { unpack } from "../colours.js";

const ARRAYS = ["filters", "weights", "bias", "scale", "shift"];
const known = new Map();

/** The response of /network, with its arrays unpacked into {shape, values}. */
export function networkOf(model) {
  if (!known.has(model)) {
    const asked = ask(model).then(unpackNetwork);
    known.set(model, asked);
    asked.catch(() => known.delete(model)); // to be requested again
  }
  return known.get(model);
}

function unpackNetwork(network) {
  for (const layer of network.layers) for (const name of ARRAYS) layer[name] = layer[name] && unpack(layer[name]);
  return network;
}
