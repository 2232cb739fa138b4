import type { Ops } from '@sgd/core/engine';
import { DOUBLE, FLOAT, type Graph } from './onnx.ts';

/** What the values of a graph are. */
export interface GraphKind {
  /** Of the elements: `FLOAT` or `DOUBLE`. */
  readonly type: number;
  /** Whether it runs on a GPU, which has no float64. */
  readonly onGpu: boolean;
}

/** Numbers of a type, as the bytes of a constant. */
export const valuesOf = (type: number, ...values: readonly number[]): ArrayBufferView =>
  type === FLOAT ? Float32Array.from(values) : Float64Array.from(values);

/**
 * The operations of a step as nodes of a graph. A value is the name of a tensor; numbers are tensors of one element, which ONNX broadcasts.
 * Each rounds once to the type. `Min` and `Max` of ONNX Runtime pass on NaN, on either side.
 */
export class GraphOps implements Ops<string> {
  readonly #graph: Graph;
  readonly #type: number;
  readonly #onGpu: boolean;
  readonly #constants = new Map<string, string>();
  /** Tensors in float64 beside a type that is not. */
  readonly #wider = new Set<string>();
  #output = '';

  constructor(graph: Graph, { type, onGpu }: GraphKind) {
    this.#graph = graph;
    this.#type = type;
    this.#onGpu = onGpu;
  }

  /** What the next operation gives is to be called. */
  name(output: string): void {
    this.#output = output;
  }

  /** A tensor is in float64, whatever the type of the graph; only `scale` takes it. */
  widen(tensor: string): void {
    if (this.#type !== DOUBLE) this.#wider.add(tensor);
  }

  constant = (value: number): string => {
    const key = Object.is(value, -0) ? '-0' : String(value);
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.#graph.constant(this.#type, [], valuesOf(this.#type, value));
      this.#constants.set(key, name);
    }
    return name;
  };

  add = (a: string, b: string): string => this.#last('Add', a, b);
  sub = (a: string, b: string): string => this.#last('Sub', a, b);
  mul = (a: string, b: string): string => this.#last('Mul', a, b);
  div = (a: string, b: string): string => this.#last('Div', a, b);
  min = (a: string, b: string): string => this.#last('Min', a, b);
  max = (a: string, b: string): string => this.#last('Max', a, b);
  neg = (a: string): string => this.#last('Neg', a);
  abs = (a: string): string => this.#last('Abs', a);
  sqrt = (a: string): string => this.#last('Sqrt', a);

  sign = (a: string): string => {
    if (!this.#onGpu) return this.#last('Sign', a);
    // a sign of WGSL need not keep NaN
    const { node } = this.#graph;
    const zero = this.constant(0);
    const negative = node('Where', [node('Less', [a, zero]), this.constant(-1), a]);
    return this.#last('Where', node('Greater', [a, zero]), this.constant(1), negative);
  };

  select = (a: string, then: string, otherwise: string): string =>
    this.#last('Where', this.#graph.node('Greater', [a, this.constant(0)]), then, otherwise);

  scale = (a: string, factor: string): string => {
    if (!this.#wider.has(factor)) return this.mul(a, factor);
    return this.#narrow(this.#graph.node('Mul', [this.double(a), factor]));
  };

  /** By way of float64: in float32 ONNX Runtime may round powers more than once. */
  pow = (a: string, b: string): string => {
    if (this.#onGpu || this.#type === DOUBLE) return this.#last('Pow', a, b);
    return this.#narrow(this.#graph.node('Pow', [this.double(a), this.double(b)]));
  };

  /** Over all elements. */
  sum = (a: string): string => this.#rounded(this.wideSum(a, false));

  /** `sum(a * a)`. */
  sumOfSquares(a: string): string {
    return this.#rounded(this.wideSum(a, true));
  }

  /** `sum(a)` or `sum(a * a)`, not rounded: in float64 where there is that, in which nothing overflows, and products are exact. */
  wideSum(a: string, isSquared: boolean, output?: string): string {
    const { node } = this.#graph;
    const options = { attributes: { keepdims: 0 }, ...(output === undefined ? {} : { output }) };
    if (this.#onGpu) return node('ReduceSum', [isSquared ? node('Mul', [a, a]) : a], options);
    return node(isSquared ? 'ReduceSumSquare' : 'ReduceSum', [this.double(a)], options);
  }

  /** A tensor in float64. */
  double(a: string): string {
    return this.#type === DOUBLE ? a : this.#graph.node('Cast', [a], { attributes: { to: DOUBLE } });
  }

  #rounded(sum: string): string {
    return this.#onGpu || this.#type === DOUBLE ? sum : this.#narrow(sum);
  }

  #narrow(a: string): string {
    return this.#graph.node('Cast', [a], { attributes: { to: this.#type }, ...this.#takeName() });
  }

  /** The node of an operation that gives its value. */
  #last(type: string, ...inputs: readonly string[]): string {
    return this.#graph.node(type, inputs, this.#takeName());
  }

  #takeName(): { readonly output?: string } {
    const output = this.#output;
    this.#output = '';
    return output === '' ? {} : { output };
  }
}
