// Reads an ONNX file: those few of its protocol buffer messages that hold a graph.

const FLOAT = 1;
/** How the bytes of each of ONNX's number types are read. 64-bit integers become plain numbers. */
const TYPES = {
  [FLOAT]: Float32Array,
  2: Uint8Array,
  3: Int8Array,
  5: Int16Array,
  6: Int32Array,
  7: BigInt64Array,
};
/** The names of the element types, for messages. */
const NAMES = { 1: "float", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64" };

/** A tensor: {shape, values}. */
export const tensor = (shape, values) => ({ shape, values });

/** A file is not ONNX, or has something that this page does not know; `detail` says what. */
export class NotOnnx extends Error {}

/** Walks through a message: calls `take(field, value)` with a number, or with a Uint8Array if the field is a message or text. */
function fields(bytes, take) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) throw new NotOnnx("the file ends too early");
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new NotOnnx("a number without an end");
  };
  const taken = (length) => {
    if (at + length > bytes.length) throw new NotOnnx("the file ends too early");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const kind = key & 7;
    if (kind === 0) take(key >>> 3, Number(BigInt.asIntN(64, varint())));
    else if (kind === 1) take(key >>> 3, view.getFloat64(taken(8).byteOffset - bytes.byteOffset, true));
    else if (kind === 2) take(key >>> 3, taken(Number(varint())));
    else if (kind === 5) take(key >>> 3, view.getFloat32(taken(4).byteOffset - bytes.byteOffset, true));
    else throw new NotOnnx(`a field of kind ${kind}`);
  }
}

const text = (bytes) => new TextDecoder().decode(bytes);

/** The numbers of a repeated field, whether they are packed or separate. */
function add(list, given, read) {
  if (typeof given === "number") list.push(given);
  else read(given, list);
}

function readInts(bytes, list) {
  // A packed field is a row of varints without keys.
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      list.push(Number(BigInt.asIntN(64, value)));
      value = 0n;
      shift = 0n;
    }
  }
}

function readFloats(bytes, list) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; at += 4) list.push(view.getFloat32(at, true));
}

function readTensor(bytes) {
  const shape = [];
  const found = { name: "", type: FLOAT, raw: null, floats: [], ints: [] };
  fields(bytes, (field, value) => {
    if (field === 1) add(shape, value, readInts);
    else if (field === 2) found.type = value;
    else if (field === 4) add(found.floats, value, readFloats);
    else if (field === 5 || field === 7) add(found.ints, value, readInts);
    else if (field === 8) found.name = text(value);
    else if (field === 9) found.raw = value;
  });
  const Kind = TYPES[found.type];
  if (!Kind) throw new NotOnnx(`numbers of the ONNX type ${found.type}`);
  let values;
  if (found.raw) {
    const copy = found.raw.slice(); // copied, because its numbers need not be aligned in the file
    values = new Kind(copy.buffer, 0, Math.floor(copy.length / Kind.BYTES_PER_ELEMENT));
    if (Kind === BigInt64Array) values = Float64Array.from(values, Number);
  } else {
    const Plain = Kind === BigInt64Array ? Float64Array : Kind;
    values = Plain.from(found.floats.length ? found.floats : found.ints);
  }
  if (values.length !== sizeOf(shape)) throw new NotOnnx(`${values.length} numbers for a tensor of ${shape.join("x")}`);
  return { ...tensor(shape, values), name: found.name };
}

export const sizeOf = (shape) => shape.reduce((product, side) => product * side, 1);

function readAttribute(bytes) {
  const found = { name: "", ints: [], floats: [] };
  let value = null;
  fields(bytes, (field, given) => {
    if (field === 1) found.name = text(given);
    else if (field === 2 || field === 3) value = given;
    else if (field === 4) value = text(given);
    else if (field === 5) value = readTensor(given);
    else if (field === 7) add(found.floats, given, readFloats);
    else if (field === 8) add(found.ints, given, readInts);
  });
  const list = found.ints.length ? found.ints : found.floats;
  return [found.name, value ?? list];
}

function readNode(bytes) {
  const node = { kind: "", domain: "", inputs: [], outputs: [], told: {} };
  fields(bytes, (field, value) => {
    if (field === 1) node.inputs.push(text(value));
    else if (field === 2) node.outputs.push(text(value));
    else if (field === 4) node.kind = text(value);
    else if (field === 7) node.domain = text(value);
    else if (field === 5) {
      const [name, given] = readAttribute(value);
      node.told[name] = given;
    }
  });
  return node;
}

/** The name and the number type of a graph's input or output. */
function readValue(bytes) {
  const value = { name: "", type: "" };
  const inside = (number, then) => (message) => fields(message, (field, given) => field === number && then(given));
  fields(bytes, (field, given) => {
    if (field === 1) value.name = text(given);
    else if (field === 2) inside(1, inside(1, (type) => (value.type = NAMES[type] ?? String(type))))(given);
  });
  return value;
}

function readGraph(bytes) {
  const graph = { nodes: [], held: new Map(), inputs: [], outputs: [] };
  fields(bytes, (field, value) => {
    if (field === 1) graph.nodes.push(readNode(value));
    else if (field === 5) {
      const { name, ...numbers } = readTensor(value);
      graph.held.set(name, numbers);
    } else if (field === 11) graph.inputs.push(readValue(value));
    else if (field === 12) graph.outputs.push(readValue(value));
  });
  graph.inputs = graph.inputs.filter(({ name }) => !graph.held.has(name));
  return graph;
}

/**
 * The graph of an ONNX file (Uint8Array) and the file's metadata:
 * {nodes: [{kind, inputs, outputs, told}], held: Map of name to tensor, inputs, outputs, metadata}. Throws `NotOnnx`.
 */
export function readOnnx(bytes) {
  let graph = null;
  const metadata = {};
  fields(bytes, (field, value) => {
    if (field === 7) graph = readGraph(value);
    else if (field === 14) {
      const entry = ["", ""];
      fields(value, (place, given) => (entry[place - 1] = text(given)));
      metadata[entry[0]] = entry[1];
    }
  });
  if (!graph || graph.nodes.length === 0) throw new NotOnnx("there is no graph in it");
  return { ...graph, metadata };
}
