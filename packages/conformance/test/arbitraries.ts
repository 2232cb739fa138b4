import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  type LossScaleOptions,
  PiecewiseConstantDecay,
  PolynomialDecay,
  type Schedule,
  type SGDOptions,
} from '@sgd/core';
import fc from 'fast-check';

export const RUNS = { numRuns: 1000 } as const;

/** Evenly spread, unlike `fc.float`, most of whose numbers around 0 are so small that nothing moves. */
const between = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: 1_000_003 }).map((n) => Math.fround(min + ((max - min) * n) / 1_000_003));
const orNull = <T>(arb: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arb, { nil: null });

const schedules: fc.Arbitrary<Schedule> = fc
  .record({
    which: fc.nat(5),
    rate: between(0.01, 0.5),
    steps: fc.integer({ min: 1, max: 9 }),
    factor: between(0.1, 2),
    flag: fc.boolean(),
    warmup: orNull(between(0.01, 0.5)),
  })
  .map(({ which, rate, steps, factor, flag, warmup }) => {
    const common = { initialLearningRate: rate, decaySteps: steps };
    switch (which) {
      case 0:
        return new ExponentialDecay({ ...common, decayRate: factor, staircase: flag });
      case 1:
        return new InverseTimeDecay({ ...common, decayRate: factor, staircase: flag });
      case 2:
        return new PiecewiseConstantDecay({ boundaries: [steps, steps + 3], values: [rate, factor, rate / 2] });
      case 3:
        return new PolynomialDecay({ ...common, endLearningRate: rate / 10, power: factor, cycle: flag });
      case 4:
        return new CosineDecay({
          ...common,
          alpha: factor / 2,
          warmupTarget: warmup,
          warmupSteps: warmup === null ? 0 : steps,
        });
      default:
        return new CosineDecayRestarts({
          initialLearningRate: rate,
          firstDecaySteps: steps,
          tMul: 1 + factor,
          mMul: factor,
        });
    }
  });

const limits: fc.Arbitrary<SGDOptions> = fc.oneof(
  fc.constant({}),
  fc.record({ clipvalue: between(0.01, 3) }),
  fc.record({ clipnorm: between(0.01, 3) }),
  fc.record({ globalClipnorm: between(0.01, 3) }),
);

/** Every option of SGD. */
export const options: fc.Arbitrary<SGDOptions> = fc
  .tuple(
    fc.record({
      name: fc.constantFrom('sgd', 'other'),
      learningRate: fc.oneof(between(0.001, 0.5), schedules),
      momentum: fc.oneof(fc.constant(0), between(0, 1)),
      nesterov: fc.boolean(),
      weightDecay: orNull(between(0, 0.2)),
      useEma: fc.boolean(),
      emaMomentum: between(0, 1),
      emaOverwriteFrequency: orNull(fc.integer({ min: 0, max: 3 })),
      lossScaleFactor: orNull(between(1, 1024)),
      gradientAccumulationSteps: orNull(fc.constantFrom(0, 2, 3, 4)),
    }),
    limits,
  )
  .map(([rest, limit]) => ({ ...rest, ...limit }));

export const scaling: fc.Arbitrary<LossScaleOptions> = fc.record({
  name: fc.constantFrom('loss_scale', 'outer'),
  initialScale: between(0.5, 4096),
  dynamicGrowthSteps: fc.integer({ min: 0, max: 4 }),
});

/** Gradients of ordinary size. */
export const moderate: fc.Arbitrary<number> = between(-4, 4);

/** Initial values of one to three small variables. */
export const variables: fc.Arbitrary<number[][]> = fc.array(fc.array(between(-2, 2), { minLength: 1, maxLength: 5 }), {
  minLength: 1,
  maxLength: 3,
});

/** For variables of these sizes, a number of steps with a gradient for each. */
export function stepsOf(
  sizes: readonly number[],
  element: fc.Arbitrary<number>,
  max = 6,
): fc.Arbitrary<Float32Array[][]> {
  const one = fc.tuple(
    ...sizes.map((size) => fc.array(element, { minLength: size, maxLength: size }).map((g) => Float32Array.from(g))),
  );
  return fc.array(one, { minLength: 1, maxLength: max });
}
