import type { DType, FloatArray } from '@sgd/core';
import { DOUBLE, FLOAT, tensorProto, valueInfo } from './onnx.ts';
import { rawOf } from './parse.ts';
import { encode, type Field, joined } from './protobuf.ts';
import type { Span } from './scan.ts';
import type { Source } from './source.ts';
import type { Tail } from './tail.ts';

/** A tensor to be written into a model. */
export interface Written {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: FloatArray;
}

const initializer = ({ name, shape, data }: Written, dtype: DType): Field => [
  5,
  tensorProto(name, dtype === 'float64' ? DOUBLE : FLOAT, shape, data),
];

/** A model for inference: what the outputs need of the graph, with other values for the parameters. */
export function inferenceModel(
  { parsed }: Source,
  values: readonly Written[],
  outputs: readonly string[],
  dtype: DType,
): Uint8Array {
  const { around, rest, nodes, inputs, initializers } = parsed;
  const raw = (span: Span): Uint8Array => rawOf(parsed, span);
  const needed = new Set(outputs);
  const kept = nodes
    .toReversed()
    .filter(({ reads, gives }) => {
      const wanted = gives.some((name) => needed.has(name));
      if (wanted) for (const name of reads) needed.add(name);
      return wanted;
    })
    .toReversed();
  const own = new Set(values.map(({ name }) => name));
  const graph = [
    // without descriptions, which may be of values that are gone
    rest,
    ...kept.map(raw),
    ...[...initializers].filter(([name]) => needed.has(name) && !own.has(name)).map(([, span]) => raw(span)),
    ...[...inputs].filter(([name]) => needed.has(name) && !own.has(name)).map(([, span]) => raw(span)),
    ...outputs.map((name) => raw(parsed.outputs.get(name)!)),
    encode(values.filter(({ name }) => needed.has(name)).map((each) => initializer(each, dtype))),
  ];
  return joined([around, encode([[7, joined(graph)]])]);
}

/**
 * The model with its update. State and numbers are inputs; those of which values are given have them, so that they need not be fed.
 */
export function trainerModel(
  { parameters, parsed, seed }: Source,
  { graph }: Tail,
  values: readonly Written[] = [],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const { around, rest, described, nodes, inputs, outputs, initializers } = parsed;
  const raw = (span: Span): Uint8Array => rawOf(parsed, span);
  const { dtype } = parameters[0]!;
  const own = new Set([...parameters, ...values].map(({ name }) => name));
  const type = dtype === 'float64' ? DOUBLE : FLOAT;
  const fields = [
    rest,
    described,
    ...nodes.map(raw),
    // onnxruntime-web takes no values for inputs that have some
    ...[...initializers].filter(([name]) => !own.has(name)).map(([, span]) => raw(span)),
    // with a shape that is known, as its value has one
    ...[...inputs].map(([name, span]) =>
      name === seed?.name ? encode([[11, valueInfo(name, type, seed.dims)]]) : raw(span),
    ),
    ...[...outputs.values()].map(raw),
    encode([...graph.fields, ...values.map((each) => initializer(each, dtype))]),
  ];
  return joined([
    around,
    encode([
      [7, joined(fields)],
      ...Object.entries(metadata).map(([key, value]): Field => [
        14,
        [
          [1, key],
          [2, value],
        ],
      ]),
    ]),
  ]);
}
