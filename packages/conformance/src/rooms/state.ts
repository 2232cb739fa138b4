import { sizeOf } from '@sgd/core/engine';
import { InverseTimeDecay, type State } from '@sgd/core';
import { type AnyBackend } from '../backend.ts';
import { check } from '../failure.ts';
import { identical } from '../numbers.ts';
import { floats, random } from '../random.ts';
import { later, wantRefusal } from '../refusals.ts';
import { needsOfSpec, type Rig, type Shapes, type Spec, wantSame, wantUnchanged, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('state');

const shapes: Shapes = { 'dense/kernel': [6, 3], 'dense/bias': [3], 'norm/gamma': [] };
const STEPS = 9;
const gradientsOf = (step: number): (Float32Array | null)[] => {
  const next = random(1000 + step);
  return Object.values(shapes).map((shape, i) => ((step + i) % 4 === 3 ? null : floats(next, sizeOf(shape), 4)));
};

const momentum = { learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.02 } as const;
const average = { learningRate: 0.1, useEma: true, emaMomentum: 0.8, emaOverwriteFrequency: 2 } as const;
const specs: Readonly<Record<string, Spec>> = {
  plain: { options: { learningRate: 0.1 } },
  momentum: { options: momentum },
  average: { options: average },
  accumulation: { options: { ...momentum, gradientAccumulationSteps: 4, clipvalue: 1 } },
  'all-slots': { options: { ...momentum, ...average, gradientAccumulationSteps: 4 } },
  schedule: {
    options: {
      ...momentum,
      learningRate: new InverseTimeDecay({ initialLearningRate: 0.3, decaySteps: 2, decayRate: 0.7 }),
    },
  },
  'loss-scale': { options: momentum, scaling: { initialScale: 4, dynamicGrowthSteps: 3 } },
  overwrite: { options: { ...average, gradientAccumulationSteps: 2 }, overwrite: ['dense/bias'] },
  float64: { options: { ...momentum, ...average }, dtype: 'float64' },
};

/** Save, restore into another optimizer, go on: as if it had never stopped. What is read is of one moment. */
export function stateRoom(): SuiteTest[] {
  const moving = needsOfSpec(specs.momentum!);
  return [
    ...Object.entries(specs).map(([name, spec]) =>
      test(
        `go-on-${name}`,
        'restored into a new optimizer after any step it goes on the same',
        goesOn(spec),
        needsOfSpec(spec),
      ),
    ),
    test('snapshot', 'values and state asked for before a step are those from before it', snapshot, moving),
    test('json', 'restored from its JSON it is the same to the bit', json, needsOfSpec(specs['all-slots']!)),
    test('several-readers', 'reads at the same time do not disturb each other', readers, moving),
    test('finalize', 'the averages become the values and stay; constraints and counters do not move', finalize, [
      'average',
    ]),
    test('swap', 'averages are swapped in and out again, and steps are refused in between', swap, ['average']),
    test(
      'read-by-path',
      "every optimizer variable can be read under Keras's path",
      readByPath,
      needsOfSpec(specs['all-slots']!),
    ),
  ];
}

async function run(rig: Rig, from: number, to: number): Promise<void> {
  for (let step = from; step < to; step++) await rig.apply(gradientsOf(step));
}

function goesOn(spec: Spec): SuiteTest['run'] {
  return async ({ backend }) => {
    const { expected, saved } = await withRig(backend, spec, shapes, async (rig) => {
      const states: { state: State; values: Record<string, ArrayLike<number>> }[] = [];
      for (let step = 0; step < STEPS; step++) {
        states.push({ state: structuredClone(await rig.optimizer.getState()), values: await rig.optimizer.readAll() });
        await rig.apply(gradientsOf(step));
      }
      return { expected: await rig.snapshot(), saved: states };
    });
    for (const [stop, { state, values }] of saved.entries()) {
      await withRig(
        backend,
        spec,
        shapes,
        async (rig) => {
          if (stop % 2) await run(rig, 20, 22); // what it did before does not matter
          if (stop % 2) await restoreValues(rig, backend, spec, values, state, stop, expected.values);
          else {
            await rig.optimizer.setState(state);
            await run(rig, stop, STEPS);
            compare(backend, expected.values, await rig.optimizer.readAll(), stop);
            const { slots } = await rig.optimizer.getState();
            for (const [path, kept] of Object.entries(expected.state.slots))
              for (const slot of ['momentum', 'gradient_accumulator', 'average'] as const)
                if (kept[slot])
                  wantSame(
                    backend,
                    kept[slot],
                    slots[path]![slot]!,
                    `${slot} of "${path}", stopped before step ${stop}`,
                    STEPS,
                  );
          }
        },
        values,
      );
    }
  };
}

/** A used optimizer's values can't be set: its successor is built on the saved ones. */
async function restoreValues(
  used: Rig,
  backend: AnyBackend,
  spec: Spec,
  values: Record<string, ArrayLike<number>>,
  state: State,
  stop: number,
  expected: Readonly<Record<string, Float32Array | Float64Array>>,
): Promise<void> {
  await used.optimizer.setState(state);
  const taken = structuredClone(await used.optimizer.getState());
  await withRig(
    backend,
    spec,
    shapes,
    async (rig) => {
      await rig.optimizer.setState(taken);
      await run(rig, stop, STEPS);
      compare(backend, expected, await rig.optimizer.readAll(), stop);
    },
    values,
  );
}

function compare(
  backend: AnyBackend,
  expected: Readonly<Record<string, Float32Array | Float64Array>>,
  got: Readonly<Record<string, Float32Array | Float64Array>>,
  stop: number,
): void {
  for (const [path, values] of Object.entries(expected))
    wantSame(backend, values, got[path]!, `"${path}", stopped before step ${stop} and restored`, STEPS);
}

const snapshot: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { options: momentum }, shapes, async (rig) => {
    await run(rig, 0, 2);
    const before = await rig.snapshot();
    const asked = later(
      Promise.all([rig.optimizer.readAll(), rig.optimizer.getState(), rig.optimizer.read('dense/kernel')]),
    );
    await run(rig, 2, 4);
    const [values, state, one] = await asked;
    for (const [path, expected] of Object.entries(before.values)) {
      check(identical(expected, values[path]!), `readAll shows later values of "${path}"`);
      const kept = before.state.slots[path]!.momentum!;
      check(identical(kept, state.slots[path]!.momentum!), `getState shows a later momentum of "${path}"`);
    }
    check(state.iterations === 2, 'getState shows later counters');
    check(identical(before.values['dense/kernel']!, one), 'read shows later values');
  });
};

const json: SuiteTest['run'] = async ({ backend }) => {
  const spec = specs['all-slots']!;
  const { values, state } = await withRig(backend, spec, shapes, async (rig) => {
    await run(rig, 0, 5);
    return rig.snapshot();
  });
  const read = JSON.parse(JSON.stringify(state)) as State;
  await withRig(
    backend,
    spec,
    shapes,
    async (rig) => {
      await rig.optimizer.setState(read);
      await wantUnchanged(rig, { values, state, iterations: 1, learningRate: rig.optimizer.learningRate }, 'JSON');
    },
    values,
  );
};

const readers: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { options: momentum }, shapes, async (rig) => {
    await run(rig, 0, 2);
    const { optimizer } = rig;
    const expected = await rig.snapshot();
    const all = await Promise.all([
      optimizer.readAll(),
      optimizer.getState(),
      optimizer.readAll(),
      optimizer.read('norm/gamma'),
    ]);
    for (const path of Object.keys(shapes)) {
      check(identical(expected.values[path]!, all[0][path]!), `the first reader of "${path}"`);
      check(identical(expected.values[path]!, all[2][path]!), `the second reader of "${path}"`);
      check(all[0][path] !== all[2][path], `two readers of "${path}" got one array`);
    }
    check(identical(expected.values['norm/gamma']!, all[3]), 'the reader of one variable');
  });
};

const finalize: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { options: { learningRate: 0.1, useEma: true, emaMomentum: 0.7 } }, shapes, async (rig) => {
    await run(rig, 0, 5);
    const before = await rig.snapshot();
    await rig.optimizer.finalizeVariableValues();
    const after = await rig.snapshot();
    for (const [path, { average: kept }] of Object.entries(before.state.slots)) {
      check(identical(kept!, after.values[path]!), `"${path}" did not become its average`);
      check(identical(kept!, after.state.slots[path]!.average!), `the average of "${path}" moved`);
      check(!identical(kept!, before.values[path]!), `"${path}" was its average before`);
    }
    check(after.iterations === 5, `finalizing counted: ${after.iterations}`);
    await run(rig, 5, 6);
    check(rig.optimizer.iterations === 6, 'no step after finalizing');
  });
};

const swap: SuiteTest['run'] = async ({ backend }) => {
  const spec = { options: { learningRate: 0.1, useEma: true, emaMomentum: 0.7 } };
  await withRig(backend, spec, shapes, async (rig) => {
    await run(rig, 0, 5);
    const before = await rig.snapshot();
    await rig.optimizer.swapAverages();
    const swapped = await rig.optimizer.readAll();
    for (const [path, { average: kept }] of Object.entries(before.state.slots))
      check(identical(kept!, swapped[path]!), `"${path}" is not its average after the swap`);
    await wantRefusal('a step on swapped averages', () => run(rig, 5, 6), ['SGD_BUSY']);
    await wantRefusal('finalizing swapped averages', () => rig.optimizer.finalizeVariableValues(), ['SGD_BUSY']);
    await rig.optimizer.swapAverages();
    const after = await rig.snapshot();
    for (const [path, values] of Object.entries(before.values)) {
      check(identical(values, after.values[path]!), `"${path}" is another after two swaps`);
      check(
        identical(before.state.slots[path]!.average!, after.state.slots[path]!.average!),
        `the average of "${path}" is another after two swaps`,
      );
    }
    await run(rig, 5, 6);
  });
};

const readByPath: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, specs['all-slots']!, shapes, async (rig) => {
    await run(rig, 0, 6);
    const { state } = await rig.snapshot();
    const { optimizer } = rig;
    const kinds = ['momentum', 'gradient_accumulator', 'average'];
    const wanted = new Map([['sgd/iteration', Float64Array.of(6) as Float32Array | Float64Array]]);
    wanted.set('sgd/learning_rate', Float32Array.of(optimizer.learningRate));
    for (const [path, slots] of Object.entries(state.slots))
      for (const kind of kinds) wanted.set(`sgd/${path.replaceAll('/', '_')}_${kind}`, slots[kind]!);
    check(
      optimizer.variables.length === wanted.size,
      `${optimizer.variables.length} optimizer variables, expected ${wanted.size}`,
    );
    for (const { path, shape } of optimizer.variables) {
      const values = await optimizer.read(path);
      check(values.length === sizeOf(shape), `"${path}": ${values.length} values for the shape [${shape.join(', ')}]`);
      const expected = wanted.get(path);
      check(
        expected !== undefined && values.join() === expected.join(),
        `"${path}" is ${values.join()}, expected ${expected?.join()}`,
      );
    }
  });
};
