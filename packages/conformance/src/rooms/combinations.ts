import { sizeOf } from '@sgd/core/engine';
import {
  type Constraint,
  InverseTimeDecay,
  type LossScaleOptimizer,
  type Measured,
  type Mode,
  nonNegative,
} from '@sgd/core';

import { check, fail } from '../failure.ts';
import { largestMagnitude } from '../numbers.ts';
import { floats, random } from '../random.ts';
import { Reference, type ReferenceOptions, type ReferenceVariable } from '../reference.ts';
import { initialValues, needsOfSpec, type Rig, type Shapes, type Spec, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('combinations');

const STEPS = 13;
/** Rounding errors of a dozen steps in float32 stay far below it; a rule applied wrongly does not. */
const CLOSE = 2e-5;
const shapes: Shapes = { 'dense/kernel': [5, 7], 'dense/bias': [7], 'norm/gamma': [], 'embedding/table': [131] };
const paths = Object.keys(shapes);

interface Combination {
  readonly name: string;
  readonly spec: Spec;
  readonly reference: Partial<ReferenceOptions>;
  readonly variables?: Readonly<Record<string, Partial<ReferenceVariable>>>;
}

const clips = [
  { name: 'clipnorm', options: { clipnorm: 1.3 } },
  { name: 'global-clipnorm', options: { globalClipnorm: 2.1 } },
  { name: 'clipvalue', options: { clipvalue: 0.4 } },
] as const;
const averages = [
  { name: 'average', options: { useEma: true, emaMomentum: 0.7 }, average: { momentum: 0.7, frequency: 0 } },
  {
    name: 'overwriting-average',
    options: { useEma: true, emaMomentum: 0.6, emaOverwriteFrequency: 2 },
    average: { momentum: 0.6, frequency: 2 },
  },
] as const;

/** Every knob turned: momentum, decay with an exclusion, accumulation, average, scaling, a schedule, and a limit. */
function everyKnob(): Combination[] {
  const rate = { initialLearningRate: 0.2, decaySteps: 5, decayRate: 0.5 };
  const scheduled = (raw: number): number => rate.initialLearningRate / (1 + (rate.decayRate * raw) / rate.decaySteps);
  return clips.flatMap((clip) =>
    averages.flatMap((average) =>
      [false, true].flatMap((nesterov) =>
        [false, true].map((dynamic): Combination => {
          const options = { momentum: 0.8, nesterov, weightDecay: 0.05, gradientAccumulationSteps: 3 };
          const name = [
            clip.name,
            average.name,
            nesterov ? 'nesterov' : 'momentum',
            dynamic ? 'dynamic-scale' : 'scale',
          ];
          return {
            name: name.join('-'),
            spec: {
              options: {
                ...options,
                ...clip.options,
                ...average.options,
                learningRate: new InverseTimeDecay(rate),
                ...(dynamic ? {} : { lossScaleFactor: 12 }),
              },
              exclude: ['bias'],
              ...(dynamic ? { scaling: { initialScale: 8, dynamicGrowthSteps: 4 } } : {}),
            },
            reference: {
              learningRate: scheduled,
              momentum: 0.8,
              nesterov,
              weightDecay: 0.05,
              accumulationSteps: 3,
              average: average.average,
              ...clip.options,
              ...(dynamic ? { scaling: { initial: 8, growthSteps: 4 } } : { lossScale: 12 }),
            },
            variables: { 'dense/bias': { decays: false } },
          };
        }),
      ),
    ),
  );
}

/** What a backend may leave out, with the rest turned on. */
function extras(): Combination[] {
  const [base] = everyKnob();
  const { spec, reference, variables } = base!;
  const positive: Record<string, Constraint> = { 'dense/kernel': nonNegative };
  const overwriting = { 'norm/gamma': { overwrites: true } };
  return [
    {
      name: 'constraint',
      spec: { ...spec, constraints: positive },
      reference,
      variables: { ...variables, 'dense/kernel': { nonNegative: true } },
    },
    {
      name: 'overwrite',
      spec: { ...spec, overwrite: ['norm/gamma'] },
      reference,
      variables: { ...variables, ...overwriting },
    },
    {
      name: 'float64',
      spec: { ...spec, dtype: 'float64' },
      reference: { ...reference, dtype: 'float64' },
      variables: variables!,
    },
    {
      name: 'measure',
      spec: { ...spec, extras: { measure: ['gradient-norm', 'update-norm'] } },
      reference,
      variables: variables!,
    },
    ...everyKnob()
      .filter(
        ({ spec: { options } }) => options?.lossScaleFactor && !options.nesterov && !options.emaOverwriteFrequency,
      )
      .map((one, i): Combination => ({
        ...one,
        name: `skip-non-finite-${clips[i]!.name}`,
        spec: { ...one.spec, extras: { nonFinite: 'skip' } },
        reference: { ...one.reference, dropsNonFinite: true },
      })),
    {
      name: 'groups',
      spec: {
        ...spec,
        extras: {
          groups: [
            { paths: ['dense/kernel'], learningRate: 0.05, momentum: 0.5, weightDecay: 0.2 },
            { paths: [/gamma$/], learningRateMultiplier: 3 },
            { paths: ['embedding/table'], frozen: true },
          ],
        },
      },
      reference,
      variables: {
        ...variables,
        'dense/kernel': { learningRate: 0.05, momentum: 0.5, weightDecay: 0.2 },
        'norm/gamma': { multiplier: 3 },
        'embedding/table': { frozen: true },
      },
    },
  ];
}

/** Groups that differ in one number only, without the rest: a group that is mixed up with another shows at once. */
function plainGroups(): Combination[] {
  return [
    {
      name: 'groups-decay-only',
      spec: {
        options: { learningRate: 0.1, weightDecay: 0.3 },
        extras: {
          groups: [
            { paths: ['dense/kernel'], weightDecay: 0.7 },
            { paths: ['dense/bias'], weightDecay: null },
          ],
        },
      },
      reference: { learningRate: () => 0.1, weightDecay: 0.3 },
      variables: { 'dense/kernel': { weightDecay: 0.7 }, 'dense/bias': { decays: false } },
    },
    {
      name: 'groups-momentum-only',
      spec: {
        options: { learningRate: 0.1, nesterov: true },
        extras: { groups: [{ paths: ['dense/kernel'], momentum: 0.9 }] },
      },
      reference: { learningRate: () => 0.1, nesterov: true },
      variables: { 'dense/kernel': { momentum: 0.9 } },
    },
  ];
}

/** All options together against a float64 reference, slots and counters included. */
export function combinationsRoom(): SuiteTest[] {
  return [...everyKnob(), ...extras(), ...plainGroups()].map((combination, index) =>
    test(
      combination.name,
      'every step agrees with a float64 reference',
      async ({ backend }) => {
        const { spec } = combination;
        await withRig(backend, spec, shapes, (rig) => run(rig, combination, index), initialValues(shapes, index + 2));
      },
      needsOfSpec(combination.spec),
    ),
  );
}

async function run(rig: Rig, { spec, reference: options, variables = {} }: Combination, index: number): Promise<void> {
  const values = initialValues(shapes, index + 2);
  const reference = new Reference(
    { learningRate: () => 0.01, momentum: 0, nesterov: false, weightDecay: null, dtype: 'float32', ...options },
    paths.map((path) => ({ values: values[path]!, ...variables[path] })),
  );
  const next = random(100 + index);
  for (let step = 0; step < STEPS; step++) {
    const gradients = paths.map((path) =>
      next() < 0.15 ? null : floats(next, sizeOf(shapes[path]!), reference.scale * (next() < 0.3 ? 3 : 0.5)),
    );
    if (gradients.every((gradient, i) => gradient === null || variables[paths[i]!]?.frozen))
      gradients[0] = floats(next, 35);
    if (spec.scaling && step % 5 === 3)
      gradients.find((gradient) => gradient !== null)!.fill(step % 2 ? Infinity : NaN, -1);
    if (reference.dropsNorms && step % 2 === 0) gradients.find((gradient) => gradient !== null)!.fill(1e30, -1);
    const taken = await rig.apply(gradients);
    check(taken === reference.step(gradients), `step ${step}: returned ${String(taken)}`, { step });
    await compareWith(rig, reference, step);
  }
  await compareMeasured(rig, spec, reference);
}

async function compareWith(rig: Rig, reference: Reference, step: number): Promise<void> {
  const { state } = await rig.snapshot();
  const values = await rig.values();
  check(
    state.iterations === reference.raw,
    `step ${step}: ${state.iterations} steps counted, expected ${reference.raw}`,
  );
  const { lossScale } = state;
  if (lossScale) {
    const { dynamicScale } = rig.optimizer as LossScaleOptimizer<unknown, unknown, Mode>;
    check(dynamicScale === reference.scale, `step ${step}: loss scale ${dynamicScale}, expected ${reference.scale}`);
    check(lossScale.stepCounter === reference.counter, `step ${step}: step counter ${lossScale.stepCounter}`);
  }
  reference.variables.forEach(({ x, m, a, average }, i) => {
    const slots = state.slots[paths[i]!] ?? {};
    close(values[i]!, x, 'variables', paths[i]!, step, rig);
    if (slots.momentum) close(slots.momentum, m, 'momentums', paths[i]!, step, rig);
    if (slots.gradient_accumulator) close(slots.gradient_accumulator, a, 'accumulators', paths[i]!, step, rig);
    if (slots.average) close(slots.average, average, 'averages', paths[i]!, step, rig);
  });
}

function close(
  got: ArrayLike<number>,
  expected: readonly number[],
  field: string,
  variable: string,
  step: number,
  rig: Rig,
): void {
  const { rtol, atol } = rig.backend.tolerance;
  const limit = atol * (step + 1) + (CLOSE + rtol * (step + 1)) * Math.max(largestMagnitude(expected), 0.1);
  check(got.length === expected.length, `step ${step}: ${field} of "${variable}": ${got.length} values`);
  for (let element = 0; element < expected.length; element++) {
    const [want, have] = [expected[element]!, got[element]!];
    if (Math.abs(want - have) <= limit) continue;
    fail(`step ${step}: ${field} of "${variable}", element ${element}: the reference has ${want}, got ${have}`, {
      step,
      field,
      variable,
      element,
      expected: want,
      got: have,
    });
  }
}

async function compareMeasured(rig: Rig, { extras: { measure } = {} }: Spec, reference: Reference): Promise<void> {
  if (!measure) return;
  const measured: Measured = await rig.optimizer.measured();
  for (const key of ['gradientNorm', 'updateNorm'] as const) {
    const [want, have] = [reference.measured[key]!, measured[key]];
    const near = have !== undefined && Math.abs(have - want) <= 1e-4 * Math.abs(want);
    check(near, `measured ${key}: the reference has ${want}, got ${String(have)}`, {
      field: key,
      expected: want,
      got: have,
    });
  }
}
