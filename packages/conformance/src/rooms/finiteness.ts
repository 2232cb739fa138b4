import { sizeOf } from '@sgd/core/engine';
import type { LossScaleOptimizer, Mode } from '@sgd/core';

import { check } from '../failure.ts';
import { floats, random } from '../random.ts';
import { wantRefusal } from '../refusals.ts';
import { needsOfSpec, type Rig, type Shapes, type Spec, wantSame, wantUnchanged, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('finiteness');

const LARGEST = 3.4028234663852886e38;
const bad = [NaN, Infinity, -Infinity];
/** Around the widths of vectors and blocks, so that no tail goes unseen. */
const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 128, 129, 255, 257, 1023, 1025];
const options = { learningRate: 0.1, momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 };
const small: Shapes = { a: [3], b: [2, 5], c: [] };

const fresh = (shapes: Shapes, seed: number): Float32Array[] => {
  const next = random(seed);
  return Object.values(shapes).map((shape) => floats(next, sizeOf(shape)));
};

/** A step with an element that is not finite is dropped whole, wherever the element stands, and leaves no trace. */
export function finitenessRoom(): SuiteTest[] {
  const skip: Spec = { options, extras: { nonFinite: 'skip' } };
  const raise: Spec = { options, extras: { nonFinite: 'throw' } };
  const scaled: Spec = { options, scaling: { initialScale: 64, dynamicGrowthSteps: 3 } };
  const overwriting: Spec = { ...skip, overwrite: ['b'] };
  const plain: Spec = { extras: { nonFinite: 'skip' } };
  return [
    test('every-position', 'each element is looked at, in arrays of many sizes', everyPosition, needsOfSpec(plain)),
    test(
      'skip',
      'a dropped step returns false and changes nothing, between steps that do',
      dropped(skip),
      needsOfSpec(skip),
    ),
    test('throw', 'the policy "throw" says SGD_NOT_FINITE and changes nothing', thrown, needsOfSpec(raise)),
    test('loss-scale', 'a dropped step halves the scale and changes nothing else', halves, needsOfSpec(scaled)),
    test(
      'overwriting',
      'gradients that overwrite are looked at, too',
      dropped(overwriting, 1),
      needsOfSpec(overwriting),
    ),
    test('overflow', 'the largest finite number is finite, also where its square is not', overflow, needsOfSpec(plain)),
    test('subset', 'only gradients that are given count', subset, needsOfSpec(plain)),
    test('reset', 'accumulators are set to 0 after an update, whatever was in them', reset, ['accumulation']),
    test('keras', 'without the check the step is taken, and what is not finite goes in', taken),
  ];
}

const everyPosition: SuiteTest['run'] = async ({ backend }) => {
  for (const size of sizes) {
    const shapes: Shapes = { first: [2], x: [size] };
    await withRig(backend, { extras: { nonFinite: 'skip' } }, shapes, async (rig) => {
      const before = await rig.snapshot();
      const places = new Set([0, size - 1, size >> 1, Math.min(size - 1, 5), Math.max(0, size - 2), size & ~7]);
      for (const place of [...places].filter((i) => i < size)) {
        const gradients = fresh(shapes, size);
        gradients[1]![place] = bad[place % 3]!;
        check(!(await rig.apply(gradients)), `${gradients[1]![place]} at ${place} of ${size} elements was not seen`);
      }
      await wantUnchanged(rig, before, `dropped steps of ${size} elements`);
      check(await rig.apply(fresh(shapes, size)), `a finite gradient of ${size} elements was dropped`);
    });
  }
};

function dropped(spec: Spec, variable = 2): SuiteTest['run'] {
  return async ({ backend }) => {
    const straight = await withRig(backend, spec, small, async (rig) => {
      for (let step = 0; step < 6; step++) await rig.apply(fresh(small, step));
      return rig.values();
    });
    await withRig(backend, spec, small, async (rig) => {
      for (let step = 0; step < 6; step++) {
        const before = await rig.snapshot();
        for (const value of bad) {
          const gradients = fresh(small, 50 + step);
          gradients[variable]![gradients[variable]!.length - 1] = value;
          check((await rig.apply(gradients)) === false, `step ${step}: a gradient with ${value} was not dropped`);
          await wantUnchanged(rig, before, `step ${step}, dropped for ${value}`);
        }
        check(await rig.apply(fresh(small, step)), `step ${step}: a finite gradient was dropped`);
      }
      const values = await rig.values();
      values.forEach((got, i) =>
        wantSame(backend, straight[i]!, got, `variable ${i} after six steps with drops between`, 6),
      );
    });
  };
}

const thrown: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { options, extras: { nonFinite: 'throw' } }, small, async (rig) => {
    await rig.apply(fresh(small, 1));
    const before = await rig.snapshot();
    const gradients = fresh(small, 2);
    gradients[1]![9] = NaN;
    await wantRefusal('a gradient with NaN', () => rig.apply(gradients), ['SGD_NOT_FINITE']);
    await wantUnchanged(rig, before, 'the refused step');
    check(await rig.apply(fresh(small, 2)), 'a finite gradient was dropped afterwards');
  });
};

const halves: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { options, scaling: { initialScale: 64, dynamicGrowthSteps: 3 } }, small, async (rig) => {
    const optimizer = rig.optimizer as LossScaleOptimizer<unknown, unknown, Mode>;
    const wantScale = (scale: number, counter: number, when: string): void => {
      const { dynamicScale, stepCounter } = optimizer;
      check(
        dynamicScale === scale && stepCounter === counter,
        `${when}: scale ${dynamicScale}, counter ${stepCounter}; expected ${scale}, ${counter}`,
      );
    };
    await rig.apply(fresh(small, 1));
    await rig.apply(fresh(small, 2));
    wantScale(64, 2, 'after two finite steps');
    const before = await rig.snapshot();
    const gradients = fresh(small, 3);
    gradients[0]![0] = -Infinity;
    check(!(await rig.apply(gradients)), 'a gradient with -Infinity was not dropped');
    wantScale(32, 0, 'after a dropped step');
    const after = await rig.snapshot();
    const { lossScale: _, ...rest } = before.state;
    await wantUnchanged(rig, { ...before, state: { ...rest, lossScale: after.state.lossScale! } }, 'the dropped step');
    for (let step = 0; step < 3; step++) await rig.apply(fresh(small, 4 + step));
    wantScale(64, 0, 'after three finite steps more');
  });
};

const overflow: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { extras: { nonFinite: 'skip' } }, small, async (rig) => {
    const gradients = fresh(small, 1);
    gradients[0]!.set([LARGEST, -LARGEST, 1e-45]);
    check(await rig.apply(gradients), `a gradient with ${LARGEST} was dropped`);
  });
};

const subset: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { extras: { nonFinite: 'skip' } }, small, async (rig) => {
    const [a, , c] = fresh(small, 1);
    check(await rig.apply([a!, null, c!]), 'a step with a missing gradient was dropped');
    check(await rig.apply([c!, a!], [2, 0]), 'a step over two of three variables was dropped');
    check(!(await rig.apply([Float32Array.of(NaN), a!], [2, 0])), 'NaN in the first of two gradients was not seen');
    check(
      !(await rig.apply([Float32Array.of(1), Float32Array.of(1, 2, NaN)], [2, 0])),
      'NaN in the last of two was not seen',
    );
  });
};

const taken: SuiteTest['run'] = async ({ backend }) => {
  const run = async (rig: Rig): Promise<void> => {
    const gradients = fresh(small, 1);
    gradients[0]!.set([NaN, Infinity, -Infinity]);
    check(await rig.apply(gradients), 'the step was dropped');
    const [a, b] = await rig.values();
    const seen = Array.from(a!, String).join();
    check(seen === 'NaN,-Infinity,Infinity', `expected NaN, -Infinity, Infinity in the variable, got ${seen}`);
    check(b!.every(Number.isFinite), 'another variable was touched by it');
    check(rig.optimizer.iterations === 1, 'the step was not counted');
  };
  await withRig(backend, { options: { learningRate: 0.1 } }, small, run);
};

const reset: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { options: { learningRate: 0.1, gradientAccumulationSteps: 2 } }, small, async (rig) => {
    const gradients = fresh(small, 1);
    gradients[0]!.set([NaN, Infinity, 1]);
    await rig.apply(gradients);
    await rig.apply([null, ...fresh(small, 2).slice(1)]);
    const { state } = await rig.snapshot();
    for (const [path, { gradient_accumulator: accumulator }] of Object.entries(state.slots))
      check(
        accumulator!.every((a) => a === 0),
        `the accumulator of "${path}" is ${accumulator!.join()} after an update`,
      );
    await rig.apply(fresh(small, 3));
    await rig.apply(fresh(small, 4));
    const [a] = await rig.values();
    check(a!.every(Number.isFinite), `what was accumulated and dropped came back: ${a!.join()}`);
  });
};
