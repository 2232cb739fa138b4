import {
  deserialize,
  LossScaleOptimizer,
  type LossScaleOptions,
  serialize,
  SGD,
  type SGDOptions,
  type State,
} from '@sgd/core';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { largestMagnitude } from '../src/numbers.ts';
import { random } from '../src/random.ts';
import { codeOf, errorOf } from '../src/refusals.ts';
import { moderate, options, RUNS, scaling, stepsOf, variables } from './arbitraries.ts';

const make = (given: SGDOptions, outer: LossScaleOptions | null) => {
  const quiet = { onWarning: () => {} };
  if (outer === null) return new SGD(given, cpu(), quiet);
  return new LossScaleOptimizer(new SGD({ ...given, lossScaleFactor: null }, cpu(), quiet), outer);
};
const copies = (values: readonly ArrayLike<number>[]): Float32Array[] => values.map((v) => Float32Array.from(v));
const within = (a: readonly Float32Array[], b: readonly Float32Array[], relative: number): boolean =>
  a.every((values, i) => {
    const limit = relative * Math.max(1, largestMagnitude(values));
    return values.every((x, j) => Math.abs(x - b[i]![j]!) <= limit);
  });

/** Variables, steps for them, and something else that depends on how many there are. */
const cases = (element: fc.Arbitrary<number>, max?: number) =>
  variables.chain((values) =>
    fc.record({
      values: fc.constant(values),
      steps: stepsOf(
        values.map((v) => v.length),
        element,
        max,
      ),
    }),
  );

describe('gradient accumulation', () => {
  const plain = (given: SGDOptions): SGDOptions => ({
    ...given,
    learningRate: 0.125,
    useEma: false,
    lossScaleFactor: null,
  });

  /** Micro-batches of numbers from `element`, and on the other side their mean; the final variables of both. */
  function run(
    given: SGDOptions,
    values: number[][],
    k: number,
    element: () => number,
  ): [Float32Array[], Float32Array[]] {
    const [micro, large] = [copies(values), copies(values)];
    const batched = new SGD({ ...given, gradientAccumulationSteps: k }, cpu());
    batched.build(micro);
    const whole = new SGD({ ...given, gradientAccumulationSteps: null }, cpu());
    whole.build(large);
    for (let step = 0; step < 4; step++) {
      const parts = Array.from({ length: k }, () => values.map((v) => Float32Array.from(v, element)));
      for (const part of parts) batched.apply(part);
      const sum = (i: number, j: number): number => parts.reduce((total, part) => total + part[i]![j]!, 0);
      whole.apply(values.map((v, i) => Float32Array.from(v, (_, j) => sum(i, j) / k)));
    }
    return [micro, large];
  }

  it('of k micro-batches is one large batch, to the bit on dyadic gradients with k a power of two', () => {
    fc.assert(
      fc.property(variables, options, fc.constantFrom(2, 4, 8), fc.nat(), (values, given, k, seed) => {
        const next = random(seed);
        // multiples of 2^-6 up to 8: sums and means of a few of them are exact
        const [micro, large] = run(plain(given), values, k, () => Math.round((next() * 2 - 1) * 512) / 64);
        expect(micro).toEqual(large);
      }),
      RUNS,
    );
  });

  it('of k micro-batches is one large batch within 1e-6 otherwise', () => {
    fc.assert(
      fc.property(variables, options, fc.integer({ min: 2, max: 7 }), fc.nat(), (values, given, k, seed) => {
        const next = random(seed);
        const [micro, large] = run(plain(given), values, k, () => next() * 2 - 1);
        expect(within(large, micro, 1e-6)).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('a saved state', () => {
  it('restored into a new optimizer goes on with the same bits', async () => {
    const restarts = fc.record({ at: fc.nat(5), missing: fc.nat(), outer: fc.option(scaling, { nil: null }) });
    await fc.assert(
      fc.asyncProperty(cases(moderate), options, restarts, async ({ values, steps }, given, { at, missing, outer }) => {
        const gradients = steps.map((step, s) =>
          step.map((g, i) => ((missing >> (s + i)) & 1 && step.length > 1 && i > 0 ? null : g)),
        );
        const straight = copies(values);
        const whole = make(given, outer);
        whole.build(straight);
        for (const step of gradients) whole.apply(step);

        const stop = at % (gradients.length + 1);
        const first = copies(values);
        const before = make(given, outer);
        before.build(first);
        for (const step of gradients.slice(0, stop)) before.apply(step);
        const state = structuredClone(await before.getState());
        const second = copies(first);
        before.dispose();
        const after = make(given, outer);
        after.build(second);
        await after.setState(state);
        for (const step of gradients.slice(stop)) after.apply(step);
        expect(second).toEqual(straight);
        expect(await after.getState()).toEqual(await whole.getState());
      }),
      RUNS,
    );
  });
});

describe('a refused call', () => {
  type Optimizer = ReturnType<typeof make>;
  type Refused = (optimizer: Optimizer, handles: Float32Array[], g: Float32Array[]) => unknown;
  const broken =
    (
      change: (
        state: { -readonly [K in keyof State]: State[K] },
        slots: Record<string, Record<string, Float32Array>>,
      ) => void,
    ): Refused =>
    async (optimizer) => {
      const state = structuredClone(await optimizer.getState());
      const slots = state.slots as Record<string, Record<string, Float32Array>>;
      for (const kept of Object.values(slots)) for (const array of Object.values(kept)) array.fill(7);
      change(state, slots);
      return optimizer.setState(state);
    };
  const calls: Record<string, Refused> = {
    'one gradient too few': (o, v, g) => o.apply(g.slice(1), v),
    'one gradient too many': (o, _, g) => o.apply([...g, g[0]!]),
    'all null': (o, _, g) => o.apply(g.map(() => null)),
    'last gradient too long': (o, _, g) =>
      o.apply(g.map((x, i) => (i === g.length - 1 ? new Float32Array(x.length + 1) : x))),
    'first gradient of another type': (o, _, g) => o.apply([Float64Array.from(g[0]!), ...g.slice(1)]),
    'no array': (o, _, g) => o.apply([...g.slice(0, -1), { length: 1 } as unknown as Float32Array]),
    'a variable twice': (o, v, g) => o.apply([g[0]!, g[0]!], [v[0]!, v[0]!]),
    'a foreign variable': (o, _, g) => o.apply([g[0]!], [new Float32Array(g[0]!.length)]),
    'an unknown path': (o, _, g) => o.apply({ variable: g[0]!, nowhere: g[0]! }),
    'a second build': (o) => o.build([new Float32Array(1)]),
    'a rate of no kind': (o) => {
      o.learningRate = {} as unknown as number;
    },
    'a state with a variable more': broken((_, slots) => void (slots.more = {})),
    'a state with a variable less': broken((_, slots) => void delete slots.variable),
    'a state with a slot less or more': broken((_, slots) => {
      const own = slots.variable!;
      const [slot] = Object.keys(own);
      if (slot === undefined) own.momentum = new Float32Array(1);
      else delete own[slot];
    }),
    'a state of negative steps': broken((state) => void (state.iterations = -1)),
    'a state of another format': broken((state) => void ((state as { format: string }).format = 'sgd-state/1')),
    'an exclusion that comes late': (o) => o.excludeFromWeightDecay({ names: ['a'] }),
    'a read of nothing': (o) => o.read('nowhere'),
  };

  it('leaves variables, slots, counters and loss scale bit for bit as they were', async () => {
    const which = fc.record({ name: fc.constantFrom(...Object.keys(calls)), outer: fc.option(scaling, { nil: null }) });
    await fc.assert(
      fc.asyncProperty(cases(moderate), options, which, async ({ values, steps }, given, { name, outer }) => {
        const handles = copies(values);
        const optimizer = make(given, outer);
        optimizer.build(handles);
        for (const step of steps) optimizer.apply(step);
        const [before, state] = [copies(handles), await optimizer.getState()];
        const [iterations, rate] = [optimizer.iterations, optimizer.learningRate];
        expect(codeOf(await errorOf(() => calls[name]!(optimizer, handles, steps[0]!)))).toMatch(/^SGD_/);
        expect(handles).toEqual(before);
        expect(await optimizer.getState()).toEqual(state);
        expect([optimizer.iterations, optimizer.learningRate]).toEqual([iterations, rate]);
      }),
      RUNS,
    );
  });
});

describe('the order of variables', () => {
  const many = fc.integer({ min: 2, max: 5 }).chain((n) =>
    fc.array(fc.array(moderate, { minLength: 1, maxLength: 4 }), { minLength: n, maxLength: n }).chain((values) =>
      fc.record({
        values: fc.constant(values),
        steps: stepsOf(
          values.map((v) => v.length),
          moderate,
          4,
        ),
        order: fc.shuffledSubarray([...values.keys()], { minLength: values.length }),
      }),
    ),
  );

  function run(
    given: SGDOptions,
    values: number[][],
    steps: Float32Array[][],
    order: number[],
    built: number[],
  ): Float32Array[] {
    const handles = copies(values);
    const optimizer = new SGD(given, cpu());
    optimizer.build(built.map((i) => handles[i]!));
    for (const step of steps)
      optimizer.apply(
        order.map((i) => step[i]!),
        order.map((i) => handles[i]!),
      );
    return handles;
  }

  it('does not matter, to the bit without a global norm', () => {
    fc.assert(
      fc.property(many, options, fc.boolean(), ({ values, steps, order }, drawn, inBuild) => {
        const given = { ...drawn, globalClipnorm: null };
        const straight = [...values.keys()];
        const expected = run(given, values, steps, straight, straight);
        expect(run(given, values, steps, order, inBuild ? order : straight)).toEqual(expected);
      }),
      RUNS,
    );
  });

  it('does not matter within 1e-6 with one', () => {
    fc.assert(
      fc.property(many, options, ({ values, steps, order }, drawn) => {
        const straight = [...values.keys()];
        const clipped = { ...drawn, clipnorm: null, clipvalue: null, globalClipnorm: 0.8 };
        const expected = run(clipped, values, steps, straight, straight);
        expect(within(expected, run(clipped, values, steps, order, order), 1e-6)).toBe(true);
      }),
      RUNS,
    );
  });
});

describe('serialization', () => {
  it('serialize, deserialize, serialize is the identity', () => {
    fc.assert(
      fc.property(options, fc.option(scaling, { nil: null }), (given, outer) => {
        const written = serialize(make(given, outer));
        const text = JSON.stringify(written);
        const read = deserialize(JSON.parse(text) as unknown, cpu())!;
        expect(JSON.stringify(serialize(read))).toBe(text);
        expect(read.constructor.name).toBe(written.class_name);
      }),
      RUNS,
    );
  });

  it('fromConfig(getConfig()) is the identity', () => {
    fc.assert(
      fc.property(options, (given) => {
        const config = new SGD(given, cpu()).getConfig();
        const again = SGD.fromConfig(config, cpu()).getConfig();
        expect(again).toEqual(config);
        expect(Object.keys(again)).toEqual(Object.keys(config));
      }),
      RUNS,
    );
  });
});
