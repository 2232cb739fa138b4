import { encode, type Field } from './protobuf.ts';

/** Element types by their numbers in ONNX. */
export const FLOAT = 1;
export const INT64 = 7;
export const DOUBLE = 11;

/** A length, or the name of one that is only known at run time. */
export type Dim = number | string;

/** `ValueInfoProto`: an input or output. Without dimensions any shape will do. */
export const valueInfo = (name: string, type: number, dims?: readonly Dim[]): readonly Field[] => [
  [1, name],
  [
    2,
    [
      [
        1,
        [
          [1, type],
          [2, dims?.map((dim): Field => [1, [typeof dim === 'number' ? [1, dim] : [2, dim]]])],
        ],
      ],
    ],
  ],
];

/** `TensorProto`: values in the order of the machine, which is little-endian wherever JavaScript runs. */
export const tensorProto = (
  name: string,
  type: number,
  dims: readonly number[],
  { buffer, byteOffset, byteLength }: ArrayBufferView,
): readonly Field[] => [
  ...dims.map((dim): Field => [1, dim]),
  [2, type],
  [8, name],
  [9, new Uint8Array(buffer, byteOffset, byteLength)],
];

/** What a node has besides its type and inputs. */
export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, number>>;
  /** The name of what it gives; left out, a new one. */
  readonly output?: string;
}

/** Adds a node; gives the name of its output. */
export type AddNode = (type: string, inputs: readonly string[], options?: NodeOptions) => string;

/** A graph under construction. */
export interface Graph {
  /** Of `GraphProto`. */
  readonly fields: Field[];
  /** Of all its tensors. */
  readonly names: Set<string>;
  readonly node: AddNode;
  readonly input: (name: string, type: number, dims?: readonly Dim[]) => void;
  readonly output: (name: string, type: number, dims?: readonly Dim[]) => void;
  /** A tensor that stands in the model. */
  readonly constant: (type: number, dims: readonly number[], values: ArrayBufferView) => string;
}

/** An empty graph, whose own names begin with a prefix. */
export function newGraph(prefix: string): Graph {
  const fields: Field[] = [];
  const names = new Set<string>();
  let count = 0;
  return {
    fields,
    names,
    node(type, inputs, { attributes = {}, output = `${prefix}${count++}` } = {}) {
      names.add(output);
      fields.push([
        1,
        [
          ...inputs.map((input): Field => [1, input]),
          [2, output],
          [4, type],
          ...Object.entries(attributes).map(([name, value]): Field => [
            5,
            [
              [1, name],
              [3, value],
              [20, 2],
            ],
          ]),
        ],
      ]);
      return output;
    },
    input(name, type, dims) {
      names.add(name);
      fields.push([11, valueInfo(name, type, dims)]);
    },
    output(name, type, dims) {
      fields.push([12, valueInfo(name, type, dims)]);
    },
    constant(type, dims, values) {
      const name = `${prefix}${count++}`;
      names.add(name);
      fields.push([5, tensorProto(name, type, dims, values)]);
      return name;
    },
  };
}

/** The bytes of a model of one graph, in a version that every ONNX Runtime since 1.12 reads. */
export const model = ({ fields }: Graph): Uint8Array =>
  encode([
    [1, 8],
    [2, '@sgd/onnxruntime'],
    [7, [[2, 'sgd'], ...fields]],
    [8, [[2, 17]]],
  ]);
