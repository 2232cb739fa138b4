import type { TensorEngine } from '@sgd/core/engine';

/** What the engine keeps numbers in: put its own type here, an array, a tensor or a buffer. It must be an object. */
export interface Tensor {
  readonly shape: readonly number[];
}

/** What is left to do. The first check that needs it fails with this message. */
export function todo(what: string): never {
  throw new Error(`to do in src/${what}`);
}

const operation = (what: string) => (): Tensor => todo(`engine.ts: ops.${what}, element by element, as a new tensor`);

/** The operations of which `@sgd/core` makes every optimizer. An operand is a tensor, or a number for all elements of the other one. */
export const engine: TensorEngine<Tensor> = {
  ops: {
    add: operation('add(a, b) is a + b'),
    sub: operation('sub(a, b) is a - b'),
    mul: operation('mul(a, b) is a * b'),
    div: operation('div(a, b) is a / b'),
    min: operation('min(a, b) is the smaller one, or NaN when either is NaN'),
    max: operation('max(a, b) is the larger one, or NaN when either is NaN'),
    neg: operation('neg(a) is -a'),
    abs: operation('abs(a) is |a|'),
    sqrt: operation('sqrt(a) is the square root'),
    sign: operation('sign(a) is 1, -1 or 0; NaN stays NaN'),
    select: operation('select(a, b, c) is b where a > 0, else c'),
    pow: operation('pow(a, b) is a to the power b'),
  },
  tensor: () => todo('engine.ts: tensor(values, shape) makes a tensor that holds a copy of the values'),
  fill: () => todo('engine.ts: fill(shape, value, dtype) makes a tensor of one value'),
  read: () => todo('engine.ts: read(tensor) gives a copy of the values, or a promise of it'),
  isFinite: () => todo('engine.ts: isFinite(tensor) says whether all elements are finite'),
  sum: () => todo('engine.ts: sum(tensor) is the sum of all elements, a number or a tensor of one element'),
  // free: (tensor) => …, where there is no garbage collector
};
