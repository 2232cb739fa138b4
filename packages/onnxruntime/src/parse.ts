import { type DType, type FloatArray, SgdError } from '@sgd/core';
import { quoted, refuse, shapeText } from './messages.ts';
import { DOUBLE, FLOAT } from './onnx.ts';
import { addIntegers, bodyOf, Runs, scan, type Span, textOf } from './scan.ts';
import { sizeOf } from './tensor.ts';

/** Graphs within graphs: readers of Protocol Buffers stop at 100 messages within each other, and a level takes three. */
const LEVELS = 33;

/** An input or output; `null` for a length that is not fixed. */
export interface Port {
  readonly type: number;
  readonly dims: readonly (number | null)[];
}

/** What a node reads, in graphs within it too, and gives. */
export interface Node extends Span {
  readonly reads: readonly string[];
  readonly gives: readonly string[];
}

/** What is asked of somebody's model. */
export interface Parsed {
  readonly bytes: Uint8Array;
  /** Fields beside the graph. */
  readonly around: Uint8Array;
  /** Fields of the graph that are none of the following. */
  readonly rest: Uint8Array;
  /** Descriptions of values inside of the graph. */
  readonly described: Uint8Array;
  readonly nodes: readonly Node[];
  readonly inputs: ReadonlyMap<string, Port & Span>;
  readonly outputs: ReadonlyMap<string, Port & Span>;
  readonly initializers: ReadonlyMap<string, Span>;
  /** Names of tensors inside of the graph and of graphs within it. */
  readonly names: ReadonlySet<string>;
}

/** The bytes of a field as a whole. */
export const rawOf = ({ bytes }: Parsed, { start, to }: Span): Uint8Array => bytes.subarray(start, to);

function port(bytes: Uint8Array, info: Span): Port {
  let type = 0;
  const dims: (number | null)[] = [];
  const dim = (span: Span): void => {
    let length: number | null = null;
    scan(bytes, (field) => void (field.number === 1 && (length = field.value)), span);
    dims.push(length);
  };
  const each = (span: Span, number: number, visit: (inner: Span) => void): void =>
    scan(bytes, (field) => void (field.number === number && visit(bodyOf(field))), span);
  const tensor = (span: Span): void =>
    scan(
      bytes,
      (field) => {
        if (field.number === 1) type = field.value;
        else if (field.number === 2) each(bodyOf(field), 1, dim);
      },
      span,
    );
  each(info, 2, (types) => each(types, 1, tensor));
  return { type, dims };
}

/** The last text of a number in a message, or an empty one. */
function nameIn(bytes: Uint8Array, span: Span, number: number): string {
  let name = '';
  scan(bytes, (field) => void (field.number === number && (name = textOf(field))), span);
  return name;
}

/** Adds what a node reads and gives; of graphs within it what is read, and all names. */
function addNode(bytes: Uint8Array, span: Span, reads: string[], gives: string[], names: Set<string>, level = 0): void {
  if (level > LEVELS) throw new RangeError(`graphs lie within graphs more than ${LEVELS} times`);
  const graph = (inner: Span): void =>
    scan(
      bytes,
      (field) => {
        if (field.number === 1) addNode(bytes, bodyOf(field), reads, [], names, level + 1);
        else if (field.number === 5) names.add(nameIn(bytes, bodyOf(field), 8));
        else if (field.number === 11) names.add(nameIn(bytes, bodyOf(field), 1));
        else if (field.number === 12) reads.push(nameIn(bytes, bodyOf(field), 1));
      },
      inner,
    );
  const attribute = (inner: Span): void =>
    scan(bytes, (field) => void ((field.number === 6 || field.number === 11) && graph(bodyOf(field))), inner);
  scan(
    bytes,
    (field) => {
      if (field.number > 2 && field.number !== 5) return;
      if (field.number === 5) attribute(bodyOf(field));
      else {
        const name = textOf(field);
        names.add(name);
        (field.number === 1 ? reads : gives).push(name);
      }
    },
    span,
  );
}

/** Reads as much of a model as has to be known of it. Throws `SgdError` `SGD_INVALID_OPTION` for what is no model. */
export function parse(bytes: Uint8Array): Parsed {
  const [around, rest, described] = [new Runs(), new Runs(), new Runs()];
  const nodes: Node[] = [];
  const inputs = new Map<string, Port & Span>();
  const outputs = new Map<string, Port & Span>();
  const initializers = new Map<string, Span>();
  const names = new Set<string>();
  const given = new Set<string>();
  /** Inputs, outputs and what nodes give have names of their own; no model that ONNX Runtime takes is refused for it. */
  const wantNew = (name: string, among: { has(name: string): boolean }): void => {
    if (name === '' || among.has(name)) throw new RangeError(`"${quoted(name)}" is no name, or is given twice`);
  };
  const graph = (inside: Span): void =>
    scan(
      bytes,
      (field) => {
        const { number } = field;
        if (number === 1) {
          const span = bodyOf(field);
          const [reads, gives]: [string[], string[]] = [[], []];
          addNode(bytes, span, reads, gives, names);
          // an output that is not wanted has no name
          const [first] = gives.filter((name) => name !== '');
          if (first === undefined) throw new RangeError('a node gives nothing');
          for (const name of gives) {
            if (name !== '') wantNew(name, given);
            given.add(name);
          }
          nodes.push({ ...span, reads, gives });
        } else if (number === 5) initializers.set(nameIn(bytes, bodyOf(field), 8), bodyOf(field));
        else if (number === 11 || number === 12) {
          const span = bodyOf(field);
          const name = nameIn(bytes, span, 1);
          const ports = number === 11 ? inputs : outputs;
          wantNew(name, ports);
          ports.set(name, { ...span, ...port(bytes, span) });
        } else (number === 13 ? described : rest).add(field);
      },
      inside,
    );
  try {
    if (Object.prototype.toString.call(bytes) !== '[object Uint8Array]') throw new RangeError('it is no Uint8Array');
    scan(bytes, (field) => {
      if (field.number === 7) graph(bodyOf(field));
      else around.add(field);
    });
    if (nodes.length === 0) throw new RangeError('there is no graph in it');
  } catch (cause) {
    throw new SgdError('SGD_INVALID_OPTION', `model: expected the bytes of an ONNX model: ${String(cause)}`, { cause });
  }
  return {
    bytes,
    around: around.of(bytes),
    rest: rest.of(bytes),
    described: described.of(bytes),
    nodes,
    inputs,
    outputs,
    initializers,
    names,
  };
}

/**
 * The values of an initializer.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: a type that is not trained, values elsewhere, or not as many as the shape says
 */
export function valuesOf(
  { bytes }: Parsed,
  name: string,
  span: Span,
): { data: FloatArray; shape: number[]; dtype: DType } {
  const wrong = (what: string): never => refuse(`parameter ${quoted(name)}: ${what}`);
  let type = 0;
  let elsewhere = false;
  let raw: Span | null = null as Span | null;
  const shape: number[] = [];
  const listed = { 4: new Runs(), 10: new Runs() };
  try {
    scan(
      bytes,
      (field) => {
        const { number, value, from, to } = field;
        if (number === 1) addIntegers(field, shape);
        else if (number === 2) type = value;
        else if (number === 14) elsewhere = value === 1;
        else if (number === 9) raw = bodyOf(field);
        // packed, or each a field of its own
        else if (number === 4 || number === 10) listed[number].add({ start: from, to });
      },
      span,
    );
  } catch (cause) {
    wrong(`expected the values of a tensor: ${String(cause)}`);
  }
  if (type !== FLOAT && type !== DOUBLE) wrong(`expected float32 or float64, got ONNX type ${type}`);
  if (elsewhere) wrong('its values are in another file, expected them inside');
  // aligned by the copy; `slice` of Node's buffers makes none
  const all = raw ? new Uint8Array(bytes.subarray(raw.from, raw.to)) : listed[type === FLOAT ? 4 : 10].of(bytes);
  const width = type === FLOAT ? 4 : 8;
  if (all.length !== sizeOf(shape) * width)
    wrong(`expected ${width} bytes for each element of shape ${shapeText(shape)}, got ${all.length}`);
  const data = type === FLOAT ? new Float32Array(all.buffer) : new Float64Array(all.buffer);
  return { data, shape, dtype: type === FLOAT ? 'float32' : 'float64' };
}
