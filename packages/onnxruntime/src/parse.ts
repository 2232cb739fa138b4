import { type DType, type FloatArray, SgdError } from '@sgd/core';
import { DOUBLE, FLOAT } from './onnx.ts';

// as TextEncoder in protobuf.ts
declare const TextDecoder: new () => { decode(bytes: Uint8Array): string };

const utf8 = new TextDecoder();

/** A field of a message as it stands in the bytes. */
export interface RawField {
  readonly number: number;
  /** A varint, or the body of whatever has a length. */
  readonly value: number | Uint8Array;
  /** The field with its head, to be written again. */
  readonly raw: Uint8Array;
}

/** The fields of a message. Throws a `RangeError` where the bytes end too early. */
export function decode(bytes: Uint8Array): RawField[] {
  const fields: RawField[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= bytes.length) throw new RangeError('the bytes end within a message');
      const digit = bytes[at++]!;
      value += (digit & 127) * scale;
      if (digit < 128) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const head = varint();
    const kind = head & 7;
    let value: number | Uint8Array;
    if (kind === 0) value = varint();
    else {
      const length = kind === 1 ? 8 : kind === 5 ? 4 : kind === 2 ? varint() : NaN;
      if (!(at + length <= bytes.length)) throw new RangeError('the bytes end within a message');
      value = bytes.subarray(at, (at += length));
    }
    fields.push({ number: Math.floor(head / 8), value, raw: bytes.subarray(start, at) });
  }
  return fields;
}

/** All messages of a number. */
const messages = (fields: readonly RawField[], number: number): Uint8Array[] =>
  fields.flatMap((field) => (field.number === number && typeof field.value !== 'number' ? [field.value] : []));
const texts = (fields: readonly RawField[], number: number): string[] =>
  messages(fields, number).map((each) => utf8.decode(each));
const last = (fields: readonly RawField[], number: number): number | undefined =>
  fields.findLast((field) => field.number === number && typeof field.value === 'number')?.value as number | undefined;
/** Varints, each a field or many in one. */
const integers = (fields: readonly RawField[], number: number): number[] =>
  fields
    .filter((field) => field.number === number)
    .flatMap(({ value }) => (typeof value === 'number' ? [value] : decodePacked(value)));

function decodePacked(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let scale = 1;
  let value = 0;
  for (const digit of bytes) {
    value += (digit & 127) * scale;
    scale *= 128;
    if (digit > 127) continue;
    values.push(value);
    [scale, value] = [1, 0];
  }
  return values;
}

/** An input or output; `null` for a length that is not fixed. */
export interface Port {
  readonly type: number;
  readonly dims: readonly (number | null)[];
}

/** What a node reads and gives. */
export interface Node {
  readonly reads: readonly string[];
  readonly gives: readonly string[];
  readonly raw: Uint8Array;
}

/** What is asked of somebody's model. */
export interface Parsed {
  /** Fields beside the graph. */
  readonly around: readonly RawField[];
  /** Fields of the graph that are none of the following. */
  readonly rest: readonly RawField[];
  readonly nodes: readonly Node[];
  readonly inputs: ReadonlyMap<string, Port & { readonly raw: Uint8Array }>;
  readonly outputs: ReadonlyMap<string, Port & { readonly raw: Uint8Array }>;
  readonly initializers: ReadonlyMap<string, Uint8Array>;
}

const port = (fields: readonly RawField[]): Port => {
  const [tensor] = messages(fields, 2).flatMap((type) => messages(decode(type), 1));
  const parts = tensor ? decode(tensor) : [];
  const dims = messages(parts, 2).flatMap((shape) => messages(decode(shape), 1));
  return { type: last(parts, 1) ?? 0, dims: dims.map((dim) => last(decode(dim), 1) ?? null) };
};

/** The names that a node reads, those in graphs within it included. */
function readsOf(node: readonly RawField[]): string[] {
  const graphs = messages(node, 5).flatMap((attribute) => {
    const fields = decode(attribute);
    return [...messages(fields, 6), ...messages(fields, 11)];
  });
  const inside = graphs.flatMap((graph) => {
    const fields = decode(graph);
    const outputs = messages(fields, 12).flatMap((each) => texts(decode(each), 1));
    return [...messages(fields, 1).flatMap((each) => readsOf(decode(each))), ...outputs];
  });
  return [...texts(node, 1), ...inside];
}

/** Reads as much of a model as has to be known of it. Throws `SgdError` `SGD_INVALID_OPTION` for what is no model. */
export function parse(bytes: Uint8Array): Parsed {
  try {
    const model = decode(bytes);
    const graph = messages(model, 7).flatMap(decode);
    const named = <T>(number: number, of: (fields: RawField[], field: RawField) => T): Map<string, T> =>
      new Map(
        graph
          .filter((field) => field.number === number)
          .map((field) => {
            const fields = decode(field.value as Uint8Array);
            return [texts(fields, number === 5 ? 8 : 1)[0] ?? '', of(fields, field)];
          }),
      );
    const parsed: Parsed = {
      around: model.filter(({ number }) => number !== 7),
      rest: graph.filter(({ number }) => ![1, 5, 11, 12].includes(number)),
      nodes: graph
        .filter(({ number }) => number === 1)
        .map(({ value, raw }) => {
          const fields = decode(value as Uint8Array);
          return { reads: readsOf(fields), gives: texts(fields, 2), raw };
        }),
      inputs: named(11, (fields, { raw }) => ({ ...port(fields), raw })),
      outputs: named(12, (fields, { raw }) => ({ ...port(fields), raw })),
      initializers: named(5, (_, { raw }) => raw),
    };
    if (parsed.nodes.length > 0) return parsed;
    throw new RangeError('there is no graph in it');
  } catch (cause) {
    throw new SgdError('SGD_INVALID_OPTION', `model: expected the bytes of an ONNX model: ${String(cause)}`, { cause });
  }
}

/** The values of an initializer, given as a field of the graph. Throws `SgdError` `SGD_INVALID_OPTION` for types that are not trained. */
export function valuesOf(name: string, raw: Uint8Array): { data: FloatArray; shape: number[]; dtype: DType } {
  const fields = decode(decode(raw)[0]!.value as Uint8Array);
  const type = last(fields, 2);
  if (type !== FLOAT && type !== DOUBLE) {
    throw new SgdError('SGD_INVALID_OPTION', `parameter ${name}: expected float32 or float64, got ONNX type ${type}`);
  }
  if (last(fields, 14) === 1) {
    throw new SgdError('SGD_INVALID_OPTION', `parameter ${name}: its values are in another file, expected them inside`);
  }
  // packed, or each a field of its own; aligned by the copy
  const bytes = messages(fields, 9).concat(messages(fields, type === FLOAT ? 4 : 10));
  const all = new Uint8Array(bytes.reduce((length, each) => length + each.length, 0));
  let at = 0;
  for (const each of bytes) {
    all.set(each, at);
    at += each.length;
  }
  const data = type === FLOAT ? new Float32Array(all.buffer) : new Float64Array(all.buffer);
  return { data, shape: integers(fields, 1), dtype: type === FLOAT ? 'float32' : 'float64' };
}
