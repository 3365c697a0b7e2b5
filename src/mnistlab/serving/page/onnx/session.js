// Runs an ONNX graph.

import { NotOnnx } from "./file.js";
import { OPERATORS } from "./operators.js";

/** A file's graph uses operators that this page does not know; `operators` names them. */
export class UnknownOperator extends Error {
  constructor(operators) {
    super(operators.join(", "));
    this.operators = operators;
  }
}

/** Throws `UnknownOperator` if a graph holds operators that are not among `OPERATORS`. */
export function checkOperators({ nodes }) {
  const unknown = nodes.filter(({ kind, domain }) => !Object.hasOwn(OPERATORS, kind) || (domain && domain !== "ai.onnx"));
  if (unknown.length) throw new UnknownOperator([...new Set(unknown.map(({ kind }) => kind))].sort());
}

/** For each node, the tensors that no later node takes and that are not outputs of the graph. */
function lastUses(nodes, kept) {
  const last = new Map();
  nodes.forEach(({ inputs }, number) => inputs.forEach((name) => last.set(name, number)));
  return nodes.map((_, number) => [...last].filter(([name, at]) => at === number && !kept.has(name)).map(([name]) => name));
}

export class Session {
  /** Takes a `graph` from readOnnx. Throws `UnknownOperator`. */
  constructor(graph) {
    checkOperators(graph);
    this.graph = graph;
    this.uses = new Map();
    this.constants = this.#constants();
  }

  /** What the graph computes from its own numbers alone, such as weights stored as integers; computed only once. */
  #constants() {
    const made = new Map(this.graph.held);
    this.fixed = new Set();
    for (const node of this.graph.nodes) {
      if (node.inputs.length === 0 || !node.inputs.every((name) => made.has(name))) continue;
      made.set(node.outputs[0], OPERATORS[node.kind](node, node.inputs.map((name) => made.get(name))));
      this.fixed.add(node);
    }
    return made;
  }

  /** The named tensors (all outputs by default) for these inputs, which are given by name: Map of name to tensor. */
  run(inputs, wanted = this.graph.outputs.map(({ name }) => name)) {
    const key = wanted.join("\n");
    const kept = new Set(wanted);
    if (!this.uses.has(key)) this.uses.set(key, lastUses(this.graph.nodes, kept));
    const gone = this.uses.get(key);
    const made = new Map(Object.entries(inputs));
    const own = new WeakSet(); // tensors with memory of their own; the results of some nodes share memory with their input
    const find = (name) => {
      if (name === "") return undefined; // an optional input that is left out
      const found = made.get(name) ?? this.constants.get(name);
      if (!found) throw new NotOnnx(`nothing makes the tensor ${name}`);
      return found;
    };
    this.graph.nodes.forEach((node, number) => {
      if (!this.fixed.has(node)) {
        const mayChange = gone[number].includes(node.inputs[0]) && own.has(made.get(node.inputs[0])?.values);
        const output = OPERATORS[node.kind](node, node.inputs.map(find), mayChange);
        if (node.kind === "Conv" || node.kind === "BatchNormalization") own.add(output.values);
        made.set(node.outputs[0], output);
      }
      for (const name of gone[number]) made.delete(name);
    });
    return new Map(wanted.map((name) => [name, find(name)]));
  }
}
