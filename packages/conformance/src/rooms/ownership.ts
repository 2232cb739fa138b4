import { sizeOf } from '@sgd/core/engine';
import type { FloatArray } from '@sgd/core';
import { type AnyBackend, tensor } from '../backend.ts';
import { check } from '../failure.ts';
import { identical } from '../numbers.ts';
import { floats, random } from '../random.ts';
import {
  initialValues,
  makeOptimizer,
  needsOfSpec,
  type Rig,
  type Shapes,
  type Spec,
  wantSame,
  withRig,
} from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';
import { memoryTests } from './memory.ts';

const test = inRoom('ownership');

const shapes: Shapes = { kernel: [4, 9], bias: [9], scale: [] };
const gradientsOf = (seed: number): Float32Array[] => {
  const next = random(seed);
  return Object.values(shapes).map((shape) => floats(next, sizeOf(shape), 2));
};

const plans: Readonly<Record<string, Spec>> = {
  plain: { options: { learningRate: 0.1 } },
  momentum: { options: { learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 } },
  'loss-scale': { options: { learningRate: 0.1, lossScaleFactor: 3 } },
  'dynamic-scale': { options: { learningRate: 0.1 }, scaling: { initialScale: 5 } },
  clipvalue: { options: { learningRate: 0.1, clipvalue: 0.3 } },
  clipnorm: { options: { learningRate: 0.1, clipnorm: 0.3 } },
  'global-clipnorm': { options: { learningRate: 0.1, globalClipnorm: 0.3 } },
  accumulation: { options: { learningRate: 0.1, gradientAccumulationSteps: 3, clipvalue: 0.3, lossScaleFactor: 3 } },
  average: { options: { learningRate: 0.1, useEma: true, emaOverwriteFrequency: 1 } },
  overwrite: { options: { learningRate: 0.1 }, overwrite: ['bias'] },
  'overwrite-accumulation': { options: { learningRate: 0.1, gradientAccumulationSteps: 2 }, overwrite: ['bias'] },
  measure: { options: { learningRate: 0.1 }, extras: { measure: ['gradient-norm', 'update-norm'] } },
};

/** A gradient is borrowed for a call: not written, not kept, not freed. What goes in or comes out is a copy. */
export function ownershipRoom(): SuiteTest[] {
  return [
    ...Object.entries(plans).flatMap(([name, spec]) => [
      test(
        `gradient-untouched-${name}`,
        'a gradient used again and again gives what fresh copies give',
        untouched(spec),
        needsOfSpec(spec),
      ),
      test(
        `gradient-not-kept-${name}`,
        'what becomes of a gradient after the call does not matter',
        notKept(spec),
        needsOfSpec(spec),
      ),
    ]),
    test('variable-is-a-copy', 'variable() copies: the values given may change afterwards', variableCopies),
    test('gradient-is-a-copy', 'gradient() copies, too', gradientCopies),
    test('read-is-a-copy', 'what is read may be changed, and does not change by itself', readCopies),
    test(
      'state-is-a-copy',
      'setState copies: the state may change afterwards',
      stateCopies,
      needsOfSpec(plans.momentum!),
    ),
    test('described', 'the engine describes the variables that it made, handles of later steps included', described),
    ...memoryTests(),
  ];
}

const STEPS = 5;

/** The host array inside a handle, where the engine's gradients are plain arrays. */
function hostArray(handle: unknown): FloatArray | undefined {
  const inside = ArrayBuffer.isView(handle) ? handle : (handle as { data?: unknown } | null)?.data;
  return inside instanceof Float32Array || inside instanceof Float64Array ? inside : undefined;
}

async function withFreshCopies(backend: AnyBackend, spec: Spec): Promise<FloatArray[]> {
  return withRig(backend, spec, shapes, async (rig) => {
    for (let step = 0; step < STEPS; step++) await rig.apply(gradientsOf(7));
    return rig.values();
  });
}

function untouched(spec: Spec): SuiteTest['run'] {
  return async ({ backend }) => {
    const expected = await withFreshCopies(backend, spec);
    await withRig(backend, spec, shapes, async (rig) => {
      const copies = gradientsOf(7);
      const gradients = copies.map((values, index) => rig.gradient(values, index));
      for (let step = 0; step < STEPS; step++) {
        await rig.optimizer.apply(gradients);
        gradients.forEach((gradient, i) => {
          const inside = hostArray(gradient);
          if (inside) check(identical(inside, copies[i]!), `step ${step} wrote into gradient ${i}`);
        });
      }
      compareAll(backend, expected, await rig.values(), 'with the same gradients at each step');
      for (const gradient of gradients) backend.free(gradient);
    });
  };
}

function notKept(spec: Spec): SuiteTest['run'] {
  return async ({ backend }) => {
    const expected = await withFreshCopies(backend, spec);
    await withRig(backend, spec, shapes, async (rig) => {
      for (let step = 0; step < STEPS; step++) {
        const gradients = gradientsOf(7).map((values, index) => rig.gradient(values, index));
        await rig.optimizer.apply(gradients);
        for (const gradient of gradients) {
          hostArray(gradient)?.fill(1e6);
          backend.free(gradient);
        }
        // takes the memory that was freed, where the engine uses it again
        const others = gradientsOf(8).map((values, index) =>
          rig.gradient(
            values.map(() => 1e6),
            index,
          ),
        );
        for (const other of others) backend.free(other);
      }
      compareAll(backend, expected, await rig.values(), 'with gradients that were changed and freed after each step');
    });
  };
}

function compareAll(
  backend: AnyBackend,
  expected: readonly FloatArray[],
  got: readonly FloatArray[],
  when: string,
): void {
  expected.forEach((values, i) => wantSame(backend, values, got[i]!, `variable ${i} ${when}`, STEPS));
}

const variableCopies: SuiteTest['run'] = async ({ backend }) => {
  const values = initialValues(shapes);
  const before = Object.values(values).map((array) => array.slice());
  const hosts = Object.entries(shapes).map(([path, shape]) => ({ data: values[path]!, shape, name: path }));
  const handles = hosts.map((host) => backend.variable(host));
  for (const array of Object.values(values)) array.fill(1e6);
  await readBack(backend, handles, before, 'after the array given was changed');
  for (const handle of handles) backend.free(handle);
};

async function readBack(
  backend: AnyBackend,
  handles: unknown[],
  expected: readonly FloatArray[],
  when: string,
): Promise<void> {
  const optimizer = makeOptimizer({}, backend);
  await optimizer.build(handles);
  const all = await optimizer.readAll();
  optimizer.trainablePaths.forEach((path, i) =>
    check(identical(all[path]!, expected[i]!), `variable ${i}, ${when}: other values`),
  );
  await optimizer.dispose();
}

const gradientCopies: SuiteTest['run'] = async ({ backend }) => {
  const spec = plans.plain!;
  const expected = await withRig(backend, spec, shapes, async (rig) => {
    await rig.apply(gradientsOf(7));
    return rig.values();
  });
  await withRig(backend, spec, shapes, async (rig) => {
    const hosts = gradientsOf(7).map((data, i) => ({ data, shape: rig.shapes[i]! }));
    const gradients = hosts.map((host) => backend.gradient(host));
    for (const { data } of hosts) data.fill(1e6);
    await rig.optimizer.apply(gradients);
    compareAll(backend, expected, await rig.values(), 'after the arrays given were changed');
    for (const gradient of gradients) backend.free(gradient);
  });
};

const readCopies: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, plans.plain!, shapes, async (rig) => {
    const first = await rig.values();
    const kept = first.map((array) => array.slice());
    await rig.apply(gradientsOf(7));
    first.forEach((array, i) =>
      check(identical(array, kept[i]!), `what was read of variable ${i} changed with the next step`),
    );
    const second = await rig.values();
    const copy = second.map((array) => array.slice());
    for (const array of second) array.fill(1e6);
    (await rig.values()).forEach((array, i) =>
      check(identical(array, copy[i]!), `writing into what was read changed variable ${i}`),
    );
  });
};

const stateCopies: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, plans.momentum!, shapes, async (rig: Rig) => {
    await rig.apply(gradientsOf(7));
    const state = await rig.optimizer.getState();
    const kept = structuredClone(state);
    await rig.optimizer.setState(state);
    for (const slots of Object.values(state.slots)) slots.momentum?.fill(1e6);
    const again = await rig.optimizer.getState();
    for (const [path, slots] of Object.entries(kept.slots))
      check(
        identical(slots.momentum!, again.slots[path]!.momentum!),
        `changing the state that was set changed the momentum of "${path}"`,
      );
  });
};

const described: SuiteTest['run'] = async ({ backend }) => {
  const named = backend.variable(tensor([1, 2, 3, 4, 5, 6], [2, 3], 'float32', 'dense/kernel'));
  const { shape, dtype } = backend.describe(named);
  check(
    shape.join() === '2,3' && dtype === 'float32',
    `a float32 variable of shape [2, 3] is described as ${dtype} of shape [${shape.join(', ')}]`,
  );
  backend.free(named);
  await withRig(backend, plans.plain!, shapes, async (rig) => {
    for (let step = 0; step < 3; step++) {
      await rig.apply(gradientsOf(step));
      rig.optimizer.trainableVariables.forEach((handle, i) => {
        const about = backend.describe(handle);
        check(
          about.shape.join() === rig.shapes[i]!.join(),
          `after step ${step}: variable ${i} is described as of shape [${about.shape.join(', ')}]`,
        );
      });
    }
  });
};
