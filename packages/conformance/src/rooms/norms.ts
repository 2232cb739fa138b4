import { sizeOf } from '@sgd/core/engine';
import type { LossScaleOptimizer, Mode, SGDOptions } from '@sgd/core';

import { check } from '../failure.ts';
import { floats, random } from '../random.ts';
import { wantRefusal } from '../refusals.ts';
import { needsOfSpec, type Shapes, type Spec, wantSame, wantUnchanged, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';
import { measuredNorms } from './measured.ts';

const test = inRoom('norms');

/** Finite, but its square is not in float32. */
const HUGE = 1e30;
const small: Shapes = { a: [3], b: [2, 5], c: [] };
const clips = [{ clipnorm: 1.5 }, { globalClipnorm: 1.5 }] as const;
const measures = ['gradient-norm', 'update-norm'] as const;

/** Norms that overflow, under each policy; norms that are measured; a norm over both types. */
export function normsRoom(): SuiteTest[] {
  return [...clips.flatMap(overflowing), ...measuredNorms()];
}

const fresh = (shapes: Shapes, seed: number): Float32Array[] => {
  const next = random(seed);
  return Object.values(shapes).map((shape) => floats(next, sizeOf(shape)));
};

/** Finite gradients whose norm is not. */
const huge = (shapes: Shapes, seed: number): Float32Array[] => {
  const gradients = fresh(shapes, seed);
  gradients[1]!.fill(HUGE);
  return gradients;
};

function overflowing(clip: SGDOptions): SuiteTest[] {
  const [name] = Object.keys(clip) as [string];
  const options: SGDOptions = { learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, useEma: true, ...clip };
  const skip: Spec = { options, extras: { nonFinite: 'skip' } };
  const micro: Spec = { ...skip, options: { ...options, gradientAccumulationSteps: 2 } };
  const scaled: Spec = { options, scaling: { initialScale: 64, dynamicGrowthSteps: 3 } };
  const cases: readonly [string, string, Spec, (spec: Spec) => SuiteTest['run']][] = [
    ['skip', 'a step whose norm overflows is skipped: nothing changes, the next one is taken', skip, skipped],
    ['throw', 'the policy "throw" says SGD_NOT_FINITE', { options, extras: { nonFinite: 'throw' } }, thrown],
    ['loss-scale', 'a norm that overflows halves the loss scale and changes nothing else', scaled, halves],
    ['unscaled', 'the norm is that of unscaled gradients', scaled, unscaled],
    ['limit', 'in float32 squares overflow from 1.85e19 on, and no sooner', skip, limit],
    ['accumulating', 'steps that accumulate have no norm; the update has that of the mean', micro, accumulating],
    [
      'overwriting',
      'what overwrites is no part of a norm, and waits for it',
      { ...skip, overwrite: ['c'] },
      overwriting,
    ],
    [
      'measured',
      'a skipped step measures nothing',
      { options, extras: { nonFinite: 'skip', measure: measures } },
      kept,
    ],
    ['float64', 'in float64 norms overflow later', { ...skip, dtype: 'float64' }, wide],
  ];
  return cases.map(([end, title, spec, run]) => test(`${name}-${end}`, title, run(spec), needsOfSpec(spec)));
}

const skipped =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) => {
    const straight = await withRig(backend, spec, small, async (rig) => {
      for (let step = 0; step < 3; step++) await rig.apply(fresh(small, step));
      return rig.values();
    });
    await withRig(backend, spec, small, async (rig) => {
      for (let step = 0; step < 3; step++) {
        const before = await rig.snapshot();
        check((await rig.apply(huge(small, 50 + step))) === false, `step ${step}: gradients of ${HUGE} were taken`);
        await wantUnchanged(rig, before, `step ${step}, whose norm overflows`);
        check(await rig.apply([...fresh(small, step)]), `step ${step}: a finite norm was dropped`);
      }
      const values = await rig.values();
      values.forEach((got, i) => wantSame(backend, straight[i]!, got, `variable ${i} after skipped steps between`, 3));
    });
  };

const thrown =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) =>
    withRig(backend, spec, small, async (rig) => {
      await rig.apply(fresh(small, 1));
      const before = await rig.snapshot();
      await wantRefusal(`gradients of ${HUGE}`, () => rig.apply(huge(small, 2)), ['SGD_NOT_FINITE']);
      await wantUnchanged(rig, before, 'the refused step');
      check(await rig.apply(fresh(small, 2)), 'a finite norm was dropped afterwards');
    });

const halves =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) =>
    withRig(backend, spec, small, async (rig) => {
      const optimizer = rig.optimizer as LossScaleOptimizer<unknown, unknown, Mode>;
      await rig.apply(fresh(small, 1));
      const before = await rig.snapshot();
      check((await rig.apply(huge(small, 2))) === false, `gradients of ${HUGE} were taken`);
      const { dynamicScale, stepCounter } = optimizer;
      check(
        dynamicScale === 32 && stepCounter === 0,
        `expected scale 32, counter 0, got ${dynamicScale}, ${stepCounter}`,
      );
      const { lossScale } = (await rig.snapshot()).state;
      await wantUnchanged(
        rig,
        { ...before, state: { ...before.state, lossScale } } as typeof before,
        'the dropped step',
      );
    });

const unscaled =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) =>
    withRig(backend, spec, { x: [1] }, async (rig) => {
      check(await rig.apply([[1e20]]), 'a gradient of 1e20, scaled by 64, was dropped');
      check(!(await rig.apply([[1e22]])), 'a gradient of 1e22, scaled by 64, was taken');
    });

const limit =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) =>
    withRig(backend, spec, { x: [1] }, async (rig) => {
      check(await rig.apply([[1.84e19]]), 'a gradient of 1.84e19 was dropped');
      const [x] = await rig.values();
      check(Number.isFinite(x![0]), `a gradient of 1.84e19 made ${x![0]}`);
      check(!(await rig.apply([[1.85e19]])), 'a gradient of 1.85e19 was taken');
    });

const accumulating =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) =>
    withRig(backend, spec, small, async (rig) => {
      await rig.apply(fresh(small, 1));
      check(!(await rig.apply(huge(small, 2))), `an update with gradients of ${HUGE} was taken`);
      check(await rig.apply(fresh(small, 3)), 'an update with a finite norm was dropped');
      check(await rig.apply(huge(small, 4)), `an accumulating step with gradients of ${HUGE} was dropped`);
      const before = await rig.snapshot();
      check(!(await rig.apply(fresh(small, 5))), 'an update was taken whose mean has a norm that overflows');
      await wantUnchanged(rig, before, 'the dropped update');
    });

const overwriting =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) =>
    withRig(backend, spec, small, async (rig) => {
      const [a, b] = fresh(small, 1);
      check(await rig.apply([a!, b!, [HUGE]]), `a value of ${HUGE} that overwrites was dropped`);
      const before = await rig.snapshot();
      check(!(await rig.apply([[1, HUGE, 1], b!, [7]])), `gradients of ${HUGE} were taken`);
      await wantUnchanged(rig, before, 'the dropped step');
    });

const kept =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) =>
    withRig(backend, spec, small, async (rig) => {
      await rig.apply(fresh(small, 1));
      const before = JSON.stringify(await rig.optimizer.measured());
      check(!(await rig.apply(huge(small, 2))), `gradients of ${HUGE} were taken`);
      const after = JSON.stringify(await rig.optimizer.measured());
      check(before === after, `a dropped step measured: ${before} became ${after}`);
    });

const wide =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) =>
    withRig(backend, spec, { x: [2] }, async (rig) => {
      check(await rig.apply([[HUGE, 1]]), `a float64 gradient of ${HUGE} was dropped`);
      const before = await rig.snapshot();
      check(!(await rig.apply([[1e200, 1]])), 'a float64 gradient of 1e200 was taken');
      await wantUnchanged(rig, before, 'the dropped step');
    });
