import {
  CosineDecay,
  CosineDecayRestarts,
  deserialize,
  deserializeSchedule,
  ExponentialDecay,
  InverseTimeDecay,
  LossScaleOptimizer,
  type Mode,
  PiecewiseConstantDecay,
  PolynomialDecay,
  serialize,
  SGD,
  SgdError,
} from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { f32, later } from './helpers.ts';

type Optimizer = SGD<CpuVariable, CpuGradient, Mode>;

const throwing = (): never => {
  throw new TypeError('a getter threw');
};
const revoked = (target: object): object => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};

/** Values that nobody should hand in; made anew for each run, as some are used up. */
const strange: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => 0,
  () => -0,
  () => Number.NaN,
  () => 1e308,
  () => 5,
  () => 7n,
  () => '',
  () => 'x',
  () => '__proto__',
  () => Symbol('s'),
  () => true,
  () => () => 1,
  () => throwing,
  () => class A {},
  () => ({}),
  () => Object.create(null) as unknown,
  () => [],
  () => [null],
  () => [undefined, 5, {}],
  () => [[], [1, 2]],
  () => Array.from({ length: 3 }),
  () => f32(1),
  () => f32(1, 2),
  () => f32(),
  () => Float64Array.of(1),
  () => Int32Array.of(1),
  () => new DataView(new ArrayBuffer(4)),
  () => ({ data: f32(1), shape: [1], name: 5 }),
  () => ({ data: f32(1), shape: [1], name: {} }),
  () => ({ data: f32(1, 2), shape: [1] }),
  () => ({ data: f32(1), shape: 1 }),
  () => ({ data: null, shape: null }),
  () => ({ x: f32(1) }),
  () => ({ x: null, y: 5 }),
  () => ({ length: 2, 0: f32(1) }),
  () => ({ length: { toString: 1, valueOf: 1 } }),
  () => ({ toString: null, valueOf: null }),
  () => Promise.resolve(1),
  () => new Map([['x', f32(1)]]),
  () => new Set([f32(1)]),
  () => new Date(Number.NaN),
  () => /a/,
  () => new Error('e'),
  () => new Proxy({}, {}),
  () => new Proxy(f32(1), {}),
  () => new Proxy([f32(1)], {}),
  () => revoked({}),
  () => revoked([]),
  () => new Proxy({}, { get: throwing, ownKeys: throwing, getPrototypeOf: throwing, has: throwing }),
  () => Object.defineProperty({}, 'x', { get: throwing, enumerable: true }),
  () => Object.defineProperty([1], 0, { get: throwing }),
  () => ({ [Symbol.iterator]: throwing }),
  () => ({ [Symbol.toStringTag]: 'Float32Array', length: 1 }),
  () => ({
    get [Symbol.toStringTag]() {
      return throwing();
    },
  }),
  () => ({ className: 'SGD' }),
  () => ({ className: 'SGD', getConfig: () => 5 }),
  () => ({ class_name: 'SGD', config: { learning_rate: {} } }),
  () => structuredClone(f32(1)),
  () => globalThis,
];

/** Every call of the API that takes something. `u` is unbuilt, `b` built on x; `v` and `w` are what is handed in. */
const calls: Readonly<Record<string, (v: unknown, w: unknown, u: Optimizer, b: Optimizer) => unknown>> = {
  'new SGD': (v, w) => new SGD(v as never, w as never),
  'new SGD of options': (v) => new SGD(v as never, cpu()),
  'new SGD of extras': (v) => new SGD({}, cpu(), v as never),
  'new SGD of an option': (v, w) => new SGD({ momentum: v, learningRate: w } as never, cpu()),
  'new SGD of a name': (v, w) => new SGD({ name: v, clipnorm: w } as never, cpu()),
  'new SGD of groups': (v, w) => new SGD({}, cpu(), { groups: [{ paths: v, learningRate: w }] } as never),
  'SGD.fromConfig': (v, w) => SGD.fromConfig(v as never, w as never),
  'new LossScaleOptimizer': (v, w) => new LossScaleOptimizer(v as never, w as never),
  'new LossScaleOptimizer of options': (v, _, u) => new LossScaleOptimizer(u, v as never),
  build: (v, w, u) => u.build(v as never, w as never),
  'build of a list': (v, w, u) => u.build([v, w] as never),
  'build of a record': (v, w, u) => u.build({ v, w } as never),
  'build with options': (v, _, u) => u.build({ x: f32(1) }, v as never),
  'build with constraints': (v, w, u) => u.build({ x: f32(1) }, { constraints: v, overwriteWithGradient: w } as never),
  'build with a constraint': (v, w, u) =>
    u.build({ x: f32(1) }, { constraints: { x: v }, overwriteWithGradient: [w] } as never),
  excludeFromWeightDecay: (v, _, u) => u.excludeFromWeightDecay(v as never),
  'excludeFromWeightDecay of lists': (v, w, u) => {
    u.excludeFromWeightDecay({ variables: [v], names: [w] } as never);
    return u.build({ x: f32(1) });
  },
  'apply, unbuilt': (v, w, u) => u.apply(v as never, w as never),
  'apply on x, unbuilt': (v, _, u) => u.apply([v] as never, [f32(1)]),
  'apply on a variable, unbuilt': (v, w, u) => u.apply([v] as never, [w] as never),
  apply: (v, w, _, b) => b.apply(v as never, w as never),
  'apply of a list': (v, _, __, b) => b.apply([v] as never),
  'apply of a record': (v, _, __, b) => b.apply({ x: v } as never),
  'apply of a shaped gradient': (v, w, _, b) => b.apply([{ data: v, shape: w }] as never),
  'apply on a variable': (v, w, _, b) => b.apply([v] as never, [w] as never),
  applyGradients: (v, _, __, b) => b.applyGradients(v as never),
  'applyGradients of a pair': (v, _, __, b) => b.applyGradients([v] as never),
  'applyGradients of pairs': (v, w, _, b) => b.applyGradients([[v, w]] as never),
  'applyGradients, unbuilt': (v, w, u) => u.applyGradients([[v, w]] as never),
  finalizeVariableValues: (v, _, __, b) => b.finalizeVariableValues(v as never),
  'finalizeVariableValues of a list': (v, _, __, b) => b.finalizeVariableValues([v] as never),
  'learningRate =': (v, _, __, b) => {
    b.learningRate = v as never;
  },
  'a learning rate that gives': (v, _, u) => {
    u.learningRate = () => v as never;
    return u.apply([f32(1)], [f32(1)]);
  },
  'a learning rate that throws': (v, _, u) => {
    u.learningRate = () => {
      throw v;
    };
    return u.apply([f32(1)], [f32(1)]);
  },
  read: (v, _, __, b) => b.read(v as never),
  trainableVariable: (v, _, __, b) => b.trainableVariable(v as never),
  serialize: (v) => serialize(v as never),
  deserialize: (v) => deserialize(v, cpu()),
  'deserialize of a config': (v, w) =>
    deserialize({ class_name: 'SGD', config: { momentum: v, learning_rate: w } }, cpu()),
  deserializeSchedule: (v) => deserializeSchedule(v),
  schedules: (v, w) => {
    const options = { initialLearningRate: 1, decaySteps: 1, decayRate: v, alpha: w, name: v };
    for (const Schedule of [ExponentialDecay, InverseTimeDecay, PolynomialDecay, CosineDecay, CosineDecayRestarts])
      new Schedule(options as never);
  },
  'schedules of options': (v) => {
    new PolynomialDecay(v as never);
  },
  PiecewiseConstantDecay: (v, w) => new PiecewiseConstantDecay({ boundaries: v, values: w } as never),
};

/** What comes out that is no refusal of ours, if anything. */
async function escaped(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    const isShort = error instanceof SgdError && error.message.length < 999;
    return isShort ? undefined : (error ?? 'threw nothing');
  }
}

const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...strange) },
  {
    weight: 1,
    arbitrary: fc
      .anything({ withNullPrototype: true, withTypedArray: true, withMap: true, withDate: true })
      .map((any) => () => any),
  },
);
const engines = { cpu: async () => cpu(), wasm: async () => wasm(), asynchronous: async () => later() };

describe.each(Object.entries(engines))('on %s, whatever is handed in', (_, engine) => {
  it.each(Object.keys(calls))('%s succeeds, or throws an SgdError', async (name) => {
    const backend = await engine();
    const call = async (v: unknown, w: unknown): Promise<void> => {
      const make = (): Optimizer => new SGD({ learningRate: 1, useEma: true }, backend, { onWarning: () => {} });
      const [u, b, x] = [make(), make(), f32(3)];
      await b.build({ x });
      await b.apply([f32(1)]);
      const error = await escaped(() => calls[name]!(v, w, u, b));
      expect(error).toBeUndefined();
      await b.dispose();
    };
    for (const make of strange) {
      await call(make(), undefined);
      await call(make(), make());
    }
    await fc.assert(
      fc.asyncProperty(value, value, async (v, w) => call(v(), w())),
      { numRuns: 30 },
    );
  });
});
