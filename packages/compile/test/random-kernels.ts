import type { DType, FloatArray } from '@sgd/core';
import { type Kernel, makeKernel, makeTracer, type Operation, type TracedValue, type Tracer } from '@sgd/core/engine';
import fc from 'fast-check';

/** Numbers that arithmetic treats in ways of their own. */
const SPECIAL = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e-45, -1e-45, 1.17e-38, 3.4e38, 2 ** -1074, 1.7e308, 0.1];

/** Any number of a type, special ones often. */
function numberOf(dtype: DType): fc.Arbitrary<number> {
  const plain = dtype === 'float32' ? fc.float() : fc.double();
  return fc.oneof(fc.constantFrom(...SPECIAL).map(dtype === 'float32' ? Math.fround : (x) => x), plain);
}

export const TENSORS: readonly string[] = ['variable', 'gradient', 'momentum'];
export const SCALARS: readonly string[] = ['learningRate', 'beta', 'clipFactor'];

interface Instruction {
  readonly kind: Operation;
  /** Which of the values so far. */
  readonly operands: readonly number[];
}

/** A random kernel as data, so that fast-check can shrink it. */
export interface Recipe {
  readonly constants: readonly number[];
  readonly instructions: readonly Instruction[];
  /** By tensor: which value is stored, or none. */
  readonly stores: readonly (number | null)[];
  readonly result: number | null;
  readonly observed: readonly [value: number, minus: number | null] | null;
}

const pick: fc.Arbitrary<number> = fc.nat(1000);
const maybe: fc.Arbitrary<number | null> = fc.option(pick, { nil: null });

/** Random kernels over these operations. */
export function recipes(operations: readonly Operation[]): fc.Arbitrary<Recipe> {
  return fc.record({
    constants: fc.array(numberOf('float64'), { minLength: 1, maxLength: 3 }),
    instructions: fc.array(fc.record({ kind: fc.constantFrom(...operations), operands: fc.tuple(pick, pick, pick) }), {
      minLength: 1,
      maxLength: 14,
    }),
    stores: fc.tuple(maybe, maybe, maybe),
    result: maybe,
    observed: fc.option(fc.tuple(pick, maybe), { nil: null }),
  });
}

/** The values of a recipe, in order. */
function valuesOf(tracer: Tracer, { constants, instructions }: Recipe): TracedValue[] {
  const values = [
    ...TENSORS.map((name) => tracer.tensor(name)),
    ...SCALARS.filter((name) => name !== 'clipFactor').map((name) => tracer.scalar(name)),
    ...constants.map((number) => tracer.constant(number)),
  ];
  for (const { kind, operands } of instructions) {
    const [a, b, c] = operands.map((which) => values[which % values.length]!) as [
      TracedValue,
      TracedValue,
      TracedValue,
    ];
    if (kind === 'select') values.push(tracer.select(a, b, c));
    // a factor is a scalar of the step
    else if (kind === 'scale') values.push(tracer.scale(a, tracer.scalar('clipFactor')));
    else if (kind === 'neg' || kind === 'abs' || kind === 'sqrt' || kind === 'sign' || kind === 'sum') {
      values.push(tracer[kind](a));
    } else values.push(tracer[kind](a, b));
  }
  return values;
}

/** The kernel of a recipe. Stores go to the last values that it makes first, since those use most of it. */
export function kernelOf(recipe: Recipe): Kernel {
  const tracer = makeTracer();
  const values = valuesOf(tracer, recipe);
  const at = (which: number): TracedValue => values[values.length - 1 - (which % values.length)]!;
  const assignments: Record<string, TracedValue> = {};
  recipe.stores.forEach((which, i) => {
    if (which !== null) assignments[TENSORS[i]!] = at(which);
  });
  const { observed, result } = recipe;
  return makeKernel({
    assignments,
    results: result === null ? [] : [at(result)].filter((value) => !value.isWide),
    observations:
      observed === null
        ? []
        : [
            {
              measure: 'update-norm',
              value: at(observed[0]),
              minus: observed[1] === null ? null : at(observed[1]),
            },
          ],
  });
}

const arrayOf = (dtype: DType, values: readonly number[]): FloatArray =>
  dtype === 'float32' ? new Float32Array(values) : new Float64Array(values);

/** What a kernel leaves: the tensors, its results, and what it observed. */
export interface Outcome {
  readonly tensors: readonly FloatArray[];
  readonly results: readonly number[];
  readonly observed: number;
}

/** Runs a kernel element by element, from the definition of each operation; sums as numpy's source has them. */
export function interpret(
  kernel: Kernel,
  dtype: DType,
  tensors: readonly FloatArray[],
  scalars: readonly number[],
): Outcome {
  const round = dtype === 'float32' ? Math.fround : (x: number): number => x;
  const length = tensors[0]!.length;
  const memo = new Map<TracedValue, number | number[]>();
  const of = (value: TracedValue, element: number): number => {
    let known = memo.get(value);
    if (known === undefined) {
      known = value.isWide ? Array.from({ length }, (_, i) => compute(value, i)) : compute(value, 0);
      memo.set(value, known);
    }
    return typeof known === 'number' ? known : known[element]!;
  };
  const compute = (value: TracedValue, i: number): number => {
    const { kind, name, operands } = value;
    if (kind === 'tensor') return tensors[TENSORS.indexOf(name)]![i]!;
    if (kind === 'constant') return round(value.number);
    if (kind === 'scalar') {
      const given = scalars[SCALARS.indexOf(name)]!;
      return name === 'clipFactor' ? given : round(given);
    }
    if (kind === 'sum') {
      return numpySum(
        Array.from({ length }, (_, e) => of(operands[0]!, e)),
        round,
      );
    }
    const [a = 0, b = 0, c = 0] = operands.map((operand) => of(operand, i));
    return round(
      {
        add: () => a + b,
        sub: () => a - b,
        mul: () => a * b,
        scale: () => a * b,
        div: () => a / b,
        min: () => (a !== a || b !== b ? NaN : Math.min(a, b)),
        max: () => (a !== a || b !== b ? NaN : Math.max(a, b)),
        neg: () => -a,
        abs: () => Math.abs(a),
        sqrt: () => Math.sqrt(a),
        sign: () => Math.sign(a),
        select: () => (a > 0 ? b : c),
        pow: () => Math.pow(a, b),
      }[kind](),
    );
  };
  let observed = 0;
  const results = kernel.results.map((value) => of(value, 0));
  const after = tensors.map((tensor) => tensor.slice());
  for (const { stores, observations } of kernel.passes) {
    for (const { tensor, value } of stores) {
      const to = after[TENSORS.indexOf(kernel.tensors[tensor]!)]!;
      for (let i = 0; i < length; i++) to[i] = of(value, i);
    }
    for (const { value, minus } of observations) {
      for (let i = 0; i < length; i++) observed += (of(value, i) - (minus === null ? 0 : of(minus, i))) ** 2;
    }
  }
  return { tensors: after, results, observed };
}

/** `pairwise_sum` of numpy's loops_utils.h.src, written from its description: blocks of 128, eight sums in turns. */
function numpySum(values: readonly number[], round: (x: number) => number): number {
  if (values.length > 128) {
    let half = values.length >> 1;
    half -= half % 8;
    return round(numpySum(values.slice(0, half), round) + numpySum(values.slice(half), round));
  }
  const plus = (a: number, b: number): number => round(a + b);
  const lanes = [0, 0, 0, 0, 0, 0, 0, 0];
  const whole = values.length - (values.length % 8);
  for (let i = 0; i < whole; i++) lanes[i % 8] = plus(lanes[i % 8]!, values[i]!);
  const [a, b, c, d, e, f, g, h] = lanes as [number, number, number, number, number, number, number, number];
  const start = plus(plus(plus(a, b), plus(c, d)), plus(plus(e, f), plus(g, h)));
  return values.slice(whole).reduce(plus, start);
}

/** Tensors and scalars for a run; lengths around those at which loops turn, and one that is halved. */
export function inputs(dtype: DType): fc.Arbitrary<{ tensors: FloatArray[]; scalars: number[] }> {
  const length = fc.constantFrom(0, 1, 3, 4, 5, 7, 8, 9, 17, 127, 128, 129, 300, 1025);
  return length.chain((n) =>
    fc.record({
      tensors: fc.array(
        fc.array(numberOf(dtype), { minLength: n, maxLength: n }).map((values) => arrayOf(dtype, values)),
        { minLength: TENSORS.length, maxLength: TENSORS.length },
      ),
      scalars: fc.array(numberOf('float64'), { minLength: SCALARS.length, maxLength: SCALARS.length }),
    }),
  );
}
