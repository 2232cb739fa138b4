import { type Backend, defineOptimizer, type FloatArray, type OptimizerClass, type SGD } from '@sgd/core';
import { numberOps, openTensors, pairwiseSum, FEATURES, type TensorEngine, type Value } from '@sgd/core/engine';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

interface Tensor {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A rule with sums within it, powers, choices by one number, and a slot that is not zero at first. */
const Every: OptimizerClass<{ beta: number }> = defineOptimizer({
  className: 'Every',
  options: { beta: { default: 0.9, minimum: 0, maximum: 1 } },
  learningRate: 0.1,
  rule: {
    scalars: ['beta'],
    slots: () => [{ name: 'first' }, { name: 'second', initial: 0.25 }],
    update(o, _, { x, g, first, second }, { learningRate, updateCount, beta }) {
      const nextFirst = o.add(o.mul(first, beta), o.mul(g, o.sub(o.constant(1), beta)));
      const nextSecond = o.max(o.mul(second, beta), o.abs(g));
      const norm = o.sqrt(o.sum(o.mul(x, x)));
      const trust = o.select(norm, o.mul(x, o.constant(0.5)), o.neg(nextFirst));
      const power = o.pow(nextSecond, o.div(o.constant(1), o.add(updateCount, o.constant(1))));
      const move = o.select(g, o.div(nextFirst, o.min(power, o.constant(2))), o.sign(trust));
      return { x: o.sub(x, o.mul(o.add(move, trust), learningRate)), first: nextFirst, second: nextSecond };
    },
  },
});

/** Typed arrays as tensors, counted; sums are tensors of one element or numbers. */
function counted(sumsAreTensors: boolean) {
  const alive = new Set<Tensor>();
  const about = { alive, failAfter: Infinity };
  const made = (data: Float32Array, shape: readonly number[]): Tensor => {
    const tensor = { data, shape };
    alive.add(tensor);
    return tensor;
  };
  const wantAlive = (tensor: Tensor): void => {
    if (!alive.has(tensor)) throw new Error('used after it was freed');
  };
  const each =
    (operation: (...operands: number[]) => number) =>
    (...operands: Value<Tensor>[]): Tensor => {
      if (--about.failAfter < 0) throw new Error('out of memory');
      const tensors = operands.filter((operand) => typeof operand === 'object');
      tensors.forEach(wantAlive);
      const { data, shape } = tensors.reduce((a, b) => (b.data.length > a.data.length ? b : a));
      const at = (operand: Value<Tensor>, i: number): number =>
        typeof operand === 'number' ? operand : operand.data[operand.data.length === 1 ? 0 : i]!;
      return made(data.map((_, i) => operation(...operands.map((operand) => at(operand, i)))), shape); // prettier-ignore
    };
  const ops = Object.fromEntries(Object.entries(numberOps('float64')).map(([kind, of]) => [kind, each(of)]));
  const copy = (data: FloatArray, shape: readonly number[]): Tensor => made(Float32Array.from(data), shape);
  const engine: TensorEngine<Tensor> = {
    ops: ops as unknown as TensorEngine<Tensor>['ops'],
    tensor: copy,
    fill: (shape, value) => made(new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(value), shape),
    read(tensor) {
      wantAlive(tensor);
      return tensor.data.slice();
    },
    isFinite: ({ data }) => data.every(Number.isFinite),
    sum(tensor) {
      wantAlive(tensor);
      const sum = pairwiseSum(tensor.data, Math.fround);
      return sumsAreTensors ? made(Float32Array.of(sum), []) : sum;
    },
    free(tensor) {
      if (!alive.delete(tensor)) throw new Error('freed twice');
    },
  };
  const backend: Backend<Tensor, Tensor, 'sync'> = {
    contract: 2,
    name: 'counted',
    mode: 'sync',
    supports: new Set(FEATURES),
    tolerance: { rtol: 0, atol: 0 },
    variable: ({ data, shape }) => copy(data, shape),
    gradient: ({ data, shape }) => copy(data, shape),
    free: (tensor) => engine.free!(tensor),
    describe: ({ shape }) => ({ shape, dtype: 'float32' }),
    refuses: () => null,
    open: (program, variables) => openTensors(program, variables, engine),
  };
  return { about, backend };
}

type AnyOptimizer<V> = SGD<V, V, 'sync'>;

const surround = fc.record({
  weightDecay: fc.constantFrom(null, 0.01),
  clip: fc.constantFrom({}, { clipnorm: 0.5 }, { globalClipnorm: 0.5 }, { clipvalue: 0.3 }),
  useEma: fc.boolean(),
  emaOverwriteFrequency: fc.constantFrom(null, 2),
  gradientAccumulationSteps: fc.constantFrom(null, 2),
});

const values = [Float32Array.of(1, -2, 3, 0.7), Float32Array.of(0.5, -0)];
const gradientsAt = (step: number): Float32Array[] => [
  Float32Array.of(step / 3, -step, 0.1, -0.4),
  Float32Array.of(0.3, -step / 7),
];

/** Four steps; the second variable has no gradient in the third. Gives every variable of the optimizer. */
async function trained<V>(backend: Backend<V, V, 'sync'>, options: object): Promise<number[][]> {
  const optimizer = new Every(options as never, backend as never, { onWarning() {} }) as unknown as AnyOptimizer<V>;
  const given = values.map((data) => backend.variable({ data, shape: [data.length] }));
  optimizer.build({ a: given[0]!, b: given[1]! });
  for (const step of [1, 2, 3, 4]) {
    const [a, b] = gradientsAt(step).map((data) => backend.gradient({ data, shape: [data.length] }));
    optimizer.apply({ a: a!, b: step === 3 ? null : b! });
    backend.free(a!);
    backend.free(b!);
  }
  const read = [];
  for (const path of ['a', 'b']) read.push([...(await optimizer.read(path))]);
  const last = [...optimizer.trainableVariables];
  optimizer.dispose();
  new Set([...given, ...last]).forEach((variable) => backend.free(variable));
  return read;
}

describe('openTensors', () => {
  it('gives the bits of cpu and frees all that it makes, whatever the options', async () => {
    await fc.assert(
      fc.asyncProperty(surround, fc.boolean(), async ({ clip, ...options }, sumsAreTensors) => {
        const { about, backend } = counted(sumsAreTensors);
        const all = { ...options, ...clip };
        const got = await trained(backend, all);
        expect(got.flat().every(Number.isFinite)).toBe(true);
        expect(got).toEqual(await trained(cpu() as never, all));
        expect(about.alive.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('loses nothing when an operation fails, at whichever one', async () => {
    const options = { useEma: true, globalClipnorm: 0.5, weightDecay: 0.01 };
    let failures = 0;
    for (let failAfter = 0; ; failAfter++) {
      const { about, backend } = counted(false);
      const optimizer = new Every(options as never, backend as never, {
        onWarning() {},
      }) as unknown as AnyOptimizer<Tensor>;
      const [a, b] = values.map((data) => backend.variable({ data, shape: [data.length] }));
      optimizer.build({ a: a!, b: b! });
      const [g] = gradientsAt(1).map((data) => backend.gradient({ data, shape: [data.length] }));
      const before = new Set(about.alive);
      about.failAfter = failAfter;
      let isTaken = true;
      try {
        optimizer.apply({ a: g!, b: null });
      } catch {
        isTaken = false;
      }
      if (isTaken) break;
      failures++;
      expect(about.alive).toEqual(before);
      expect([...optimizer.trainableVariables]).toEqual([a, b]);
      expect(await optimizer.read('a')).toEqual(values[0]);
    }
    expect(failures).toBeGreaterThan(20);
  });
});
