import { sizeOf } from '@sgd/core/engine';
import { check } from '../failure.ts';
import { floats, random } from '../random.ts';
import { needsOfSpec, type Shapes, type Spec, wantSame, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('shapes');

const options = { learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1, useEma: true } as const;
const specs: Readonly<Record<string, Spec>> = {
  plain: { options: { learningRate: 0.1 } },
  slots: { options },
  clipnorm: { options: { ...options, clipnorm: 1 } },
  'global-clipnorm': { options: { ...options, globalClipnorm: 1 } },
  accumulation: { options: { ...options, gradientAccumulationSteps: 2 } },
  'finite-check': { options, scaling: { initialScale: 2 } },
};
const odd: Shapes = { scalar: [], empty: [0], hollow: [3, 0, 2], one: [1], ones: [1, 1, 1], five: [2, 1, 3, 2, 1] };
const gradientsOf = (shapes: Shapes, seed: number): Float32Array[] => {
  const next = random(seed);
  return Object.values(shapes).map((shape) => floats(next, sizeOf(shape)));
};

/** Scalars, empty arrays, many dimensions, many variables, any order. */
export function shapesRoom(): SuiteTest[] {
  return [
    ...Object.entries(specs).map(([name, spec]) =>
      test(`odd-${name}`, 'scalars, empty arrays and ones among others', oddShapes(spec), needsOfSpec(spec)),
    ),
    ...Object.entries(specs).map(([name, spec]) =>
      test(`empty-${name}`, 'a variable without elements on its own', emptyAlone(spec), needsOfSpec(spec)),
    ),
    test(
      'shape-does-not-matter',
      'only the number of elements counts, whatever the shape',
      shapeless,
      needsOfSpec(specs.slots!),
    ),
    test(
      'many-variables',
      'three hundred variables, each with its own gradient',
      manyVariables,
      needsOfSpec(specs.slots!),
    ),
    test('order', 'the order of gradients in a call does not matter', order, needsOfSpec(specs.slots!)),
    test(
      'any-subset',
      'variables without gradient are left alone, except for their averages',
      anySubset,
      needsOfSpec(specs.slots!),
    ),
    test(
      'sizes',
      'an element is computed the same whatever the size of its array',
      everySize,
      needsOfSpec(specs.slots!),
    ),
  ];
}

function oddShapes(spec: Spec): SuiteTest['run'] {
  return async ({ backend }) => {
    await withRig(backend, spec, odd, async (rig) => {
      const before = await rig.values();
      for (let step = 0; step < 4; step++) check(await rig.apply(gradientsOf(odd, step)), `step ${step} was dropped`);
      const after = await rig.values();
      Object.entries(odd).forEach(([path, shape], i) => {
        const values = after[i]!;
        check(values.length === sizeOf(shape), `"${path}" has ${values.length} values`);
        check(values.every(Number.isFinite), `"${path}" became ${values.join()}`);
        check(
          values.every((x, j) => x !== before[i]![j]),
          `"${path}" has elements that did not move`,
        );
      });
      const { state } = await rig.snapshot();
      for (const [path, shape] of Object.entries(odd))
        for (const slot of Object.values(state.slots[path] ?? {}))
          check(slot.length === sizeOf(shape), `a slot of "${path}" has ${slot.length} values`);
    });
  };
}

function emptyAlone(spec: Spec): SuiteTest['run'] {
  return async ({ backend }) => {
    await withRig(backend, spec, { empty: [0] }, async (rig) => {
      for (let step = 0; step < 4; step++) check(await rig.apply([new Float32Array(0)]), `step ${step} was dropped`);
      check((await rig.values())[0]!.length === 0, 'it has values');
      await rig.optimizer.setState(await rig.optimizer.getState());
    });
  };
}

const shapeless: SuiteTest['run'] = async ({ backend }) => {
  const run = (shape: readonly number[]): Promise<Float32Array | Float64Array> =>
    withRig(backend, specs.slots!, { x: shape }, async (rig) => {
      for (let step = 0; step < 4; step++) await rig.apply(gradientsOf({ x: shape }, step));
      return (await rig.values())[0]!;
    });
  const flat = await run([24]);
  for (const shape of [
    [4, 6],
    [2, 3, 4],
    [1, 24, 1],
    [2, 2, 2, 3],
  ])
    wantSame(backend, flat, await run(shape), `shape [${shape.join(', ')}] against [24]`, 4);
};

const manyVariables: SuiteTest['run'] = async ({ backend }) => {
  const shapes = Object.fromEntries(
    Array.from({ length: 300 }, (_, i): [string, number[]] => [`layer_${i}/kernel`, [1 + (i % 5)]]),
  );
  await withRig(
    backend,
    { options: { ...options, weightDecay: null, useEma: false, learningRate: 1 } },
    shapes,
    async (rig) => {
      const before = await rig.values();
      const size = (i: number): number => 1 + (i % 5);
      await rig.apply(Array.from({ length: 300 }, (_, i) => new Float32Array(size(i)).fill(i / 64)));
      const after = await rig.values();
      // the first step with Nesterov moves by (1 + momentum) * gradient
      after.forEach((values, i) =>
        values.forEach((x, j) => {
          const expected = before[i]![j]! - (i / 64) * 1.9;
          check(Math.abs(x - expected) < 1e-4, `variable ${i}, element ${j}: expected about ${expected}, got ${x}`);
        }),
      );
    },
  );
};

const few: Shapes = { a: [3], b: [2, 2], c: [], d: [17] };

const order: SuiteTest['run'] = async ({ backend }) => {
  const run = (orders: readonly (readonly number[] | undefined)[]): Promise<(Float32Array | Float64Array)[]> =>
    withRig(backend, specs.slots!, few, async (rig) => {
      for (const [step, indices] of orders.entries()) {
        const gradients = gradientsOf(few, step);
        await rig.apply(indices ? indices.map((i) => gradients[i]!) : gradients, indices);
      }
      return rig.values();
    });
  const expected = await run([undefined, undefined, undefined]);
  const got = await run([
    [3, 2, 1, 0],
    [1, 3, 0, 2],
    [0, 1, 2, 3],
  ]);
  expected.forEach((values, i) => wantSame(backend, values, got[i]!, `variable ${i} in another order`, 3));
};

const anySubset: SuiteTest['run'] = async ({ backend }) => {
  const paths = Object.keys(few);
  await withRig(backend, specs.slots!, few, async (rig) => {
    await rig.apply(gradientsOf(few, 0));
    const before = await rig.snapshot();
    const gradients = gradientsOf(few, 1);
    await rig.apply([gradients[3]!, gradients[1]!], [3, 1]);
    const after = await rig.snapshot();
    for (const [i, path] of paths.entries()) {
      const given = i === 3 || i === 1;
      const moved = after.values[path]!.some((x, j) => x !== before.values[path]![j]);
      check(moved === given, `"${path}" ${moved ? 'moved without' : 'did not move with'} a gradient`);
      const slot = (at: typeof before): ArrayLike<number> => at.state.slots[path]!.momentum!;
      const slots = Array.from(slot(after)).some((m, j) => m !== slot(before)[j]);
      check(slots === given, `the momentum of "${path}" ${slots ? 'moved without' : 'did not move with'} a gradient`);
    }
  });
};

/** Vector units and blocks have tails: each length up to 40 and some above gives the first elements of the longest. */
const everySize: SuiteTest['run'] = async ({ backend }) => {
  const longest = 300;
  const run = (size: number): Promise<Float32Array | Float64Array> => {
    const x = floats(random(1), longest).subarray(0, size);
    return withRig(
      backend,
      specs.slots!,
      { x: [size] },
      async (rig) => {
        for (let step = 0; step < 3; step++) await rig.apply([floats(random(10 + step), longest).subarray(0, size)]);
        return (await rig.values())[0]!;
      },
      { x },
    );
  };
  const whole = await run(longest);
  for (const size of [...Array.from({ length: 40 }, (_, i) => i + 1), 63, 64, 65, 127, 128, 129, 255, 256, 257])
    wantSame(backend, whole.subarray(0, size), await run(size), `an array of ${size}`, 3);
};
