import { sizeOf } from '@sgd/core/engine';
import type { SgdErrorCode, State } from '@sgd/core';
import { type AnyBackend, type AnyOptimizer, tensor } from '../backend.ts';
import { check } from '../failure.ts';
import { identical } from '../numbers.ts';
import { floats, random } from '../random.ts';
import { wantRefusal } from '../refusals.ts';
import { makeOptimizer, needsOfSpec, Rig, type Shapes, type Spec, wantSame, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('lifecycle');

const shapes: Shapes = { kernel: [8, 5], bias: [5] };
const spec: Spec = { options: { learningRate: 0.1, momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 } };
const fresh = (seed: number): Float32Array[] => {
  const next = random(seed);
  return Object.values(shapes).map((shape) => floats(next, sizeOf(shape)));
};

/** From build to dispose, over and over. */
export function lifecycleRoom(): SuiteTest[] {
  const needs = needsOfSpec(spec);
  return [
    test('after-dispose', 'every call is SGD_DISPOSED, and a second dispose does nothing', afterDispose, needs),
    test(
      'variables-stay',
      'after dispose the variables hold their values, and another optimizer goes on with them',
      variablesStay,
    ),
    test('many-optimizers', 'hundreds of optimizers made, stepped and disposed of', many, needs),
    test('many-steps', 'a thousand steps with fresh gradients', manySteps),
    test('two-at-once', 'two optimizers on one engine do not see each other', twoAtOnce, needs),
    test(
      'shared-variable',
      'two optimizers on one variable that keeps its handle see each other’s steps',
      sharedVariable,
    ),
    test('unbuilt', 'an optimizer that was never built can be disposed of', unbuilt),
    test('lazy-build', 'apply with variables builds on them', lazyBuild),
    test('lazy-build-refused', 'a first apply that is refused leaves the optimizer unbuilt', lazyBuildRefused),
    test(
      'lazy-build-not-finite',
      'so does one that is refused since a gradient is not finite',
      lazyBuildNotFinite,
      needsOfSpec(throwing),
    ),
    test('modes', 'a sync engine gives values, an async one promises', modes),
  ];
}

const afterDispose: SuiteTest['run'] = async ({ backend }) => {
  const rig = await Rig.open(backend, spec, shapes);
  await rig.apply(fresh(1));
  const { optimizer } = rig;
  const state = await optimizer.getState();
  const [kernel] = optimizer.trainableVariables;
  await rig.close();
  await optimizer.dispose();
  const gradient = backend.gradient(tensor(new Float32Array(40), [8, 5]));
  const disposed: readonly SgdErrorCode[] = ['SGD_DISPOSED'];
  const calls: Record<string, () => unknown> = {
    apply: () => optimizer.apply([gradient, null]),
    applyGradients: () => optimizer.applyGradients([[gradient, 'kernel']]),
    'apply on a handle': () => optimizer.apply([gradient], [kernel]),
    build: () => optimizer.build({ kernel }),
    finalizeVariableValues: () => optimizer.finalizeVariableValues(),
    swapAverages: () => optimizer.swapAverages(),
    getState: () => optimizer.getState(),
    setState: () => optimizer.setState(state),
    readAll: () => optimizer.readAll(),
    read: () => optimizer.read('kernel'),
    trainableVariables: () => optimizer.trainableVariables,
    learningRate: () => {
      optimizer.learningRate = 0.2;
    },
  };
  for (const [name, call] of Object.entries(calls)) await wantRefusal(`${name} after dispose`, call, disposed);
  backend.free(gradient);
};

const variablesStay: SuiteTest['run'] = async ({ backend }) => {
  const rig = await Rig.open(backend, {}, shapes);
  await rig.apply(fresh(1));
  const expected = await rig.values();
  const handles = [...rig.optimizer.trainableVariables];
  await rig.optimizer.dispose();
  const second = makeOptimizer({}, backend);
  await second.build(handles);
  const all = await second.readAll();
  second.trainablePaths.forEach((path, i) =>
    check(identical(all[path]!, expected[i]!), `variable ${i} lost its values with dispose`),
  );
  const last = [...second.trainableVariables];
  await second.dispose();
  for (const handle of last) backend.free(handle);
};

const many: SuiteTest['run'] = async ({ backend }) => {
  let expected: Float32Array | Float64Array | undefined;
  for (let round = 0; round < 200; round++) {
    await withRig(backend, spec, shapes, async (rig) => {
      for (let step = 0; step < 3; step++) await rig.apply(fresh(step));
      const [kernel] = await rig.values();
      expected ??= kernel!;
      wantSame(backend, expected, kernel!, `"kernel" of optimizer ${round}`, 3);
    });
  }
};

const manySteps: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { options: { learningRate: 2 ** -10 } }, shapes, async (rig) => {
    const ones = Object.values(shapes).map((shape) => new Float32Array(sizeOf(shape)).fill(1));
    const before = await rig.values();
    for (let step = 0; step < 1024; step++) await rig.apply(ones);
    check(rig.optimizer.iterations === 1024, `${rig.optimizer.iterations} steps counted, expected 1024`);
    const after = await rig.values();
    after[0]!.forEach((x, i) => {
      const expected = before[0]![i]! - 1;
      check(
        Math.abs(x - expected) < 1e-3,
        `element ${i}: expected about ${expected} after 1024 steps of 1/1024, got ${x}`,
      );
    });
  });
};

async function values(
  backend: AnyBackend,
  seed: number,
  between?: () => Promise<unknown>,
): Promise<readonly (Float32Array | Float64Array)[]> {
  return withRig(backend, spec, shapes, async (rig) => {
    for (let step = 0; step < 4; step++) {
      await rig.apply(fresh(seed + step));
      await between?.();
    }
    return rig.values();
  });
}

const twoAtOnce: SuiteTest['run'] = async ({ backend }) => {
  const alone = await values(backend, 10);
  const together = await withRig(backend, spec, shapes, async (other) =>
    values(backend, 10, () => other.apply(fresh(99))),
  );
  alone.forEach((expected, i) =>
    wantSame(backend, expected, together[i]!, `variable ${i} beside another optimizer`, 4),
  );
};

/** Where an engine replaces handles, a variable belongs to one optimizer at a time, and there is nothing to be seen. */
const sharedVariable: SuiteTest['run'] = async ({ backend }) => {
  const options = { learningRate: 0.1 };
  const expected = await withRig(backend, { options }, shapes, async (rig) => {
    for (let step = 0; step < 4; step++) await rig.apply(fresh(step));
    return rig.values();
  });
  await withRig(backend, { options }, shapes, async (rig) => {
    const handles = [...rig.optimizer.trainableVariables];
    const others = [makeOptimizer({ options }, backend), makeOptimizer({ options }, backend)];
    for (const other of others)
      await other.build(Object.fromEntries(Object.keys(shapes).map((p, i) => [p, handles[i]])));
    const order = [rig.optimizer, others[0]!, rig.optimizer, others[1]!];
    const keeps = (optimizer: AnyOptimizer): boolean =>
      optimizer.trainableVariables.every((handle, i) => handle === handles[i]);
    for (const [step, optimizer] of order.entries()) {
      const gradients = fresh(step).map((values, i) => rig.gradient(values, i));
      await optimizer.apply(gradients);
      for (const gradient of gradients) backend.free(gradient);
      if (!keeps(optimizer)) break;
      // one that is gone changes nothing for the others
      if (step === 1) await optimizer.dispose();
    }
    const seen = keeps(rig.optimizer) && keeps(others[1]!) ? [rig.optimizer, others[1]!] : [];
    for (const optimizer of seen) {
      const all = await optimizer.readAll();
      Object.keys(shapes).forEach((path, i) =>
        wantSame(backend, expected[i]!, all[path]!, `variable ${i} after steps of two optimizers in turns`, 4),
      );
    }
    for (const other of others) await other.dispose();
  });
};

const unbuilt: SuiteTest['run'] = async ({ backend }) => {
  const optimizer = makeOptimizer({}, backend);
  await optimizer.dispose();
  await wantRefusal('build after dispose', () => optimizer.build([]), ['SGD_DISPOSED']);
};

const lazyBuild: SuiteTest['run'] = async ({ backend }) => {
  const optimizer = makeOptimizer({ options: { learningRate: 0.5 } }, backend);
  const x = backend.variable(tensor([1, 2]));
  const gradient = backend.gradient(tensor([1, 1]));
  check(await optimizer.apply([gradient], [x]), 'the step was dropped');
  check(optimizer.built && optimizer.iterations === 1, 'the optimizer was not built by its first step');
  const [read] = Object.values(await optimizer.readAll());
  check(read?.join() === '0.5,1.5', `expected 0.5, 1.5, got ${read?.join()}`);
  const last = [...optimizer.trainableVariables];
  await optimizer.dispose();
  for (const handle of [...last, gradient]) backend.free(handle);
};

/** The first `apply` is refused, and then another one is taken, by the same optimizer and on the same variables. */
async function refuseFirst(
  backend: AnyBackend,
  spec: Spec,
  bad: readonly (readonly number[])[],
  code: SgdErrorCode,
): Promise<void> {
  const optimizer = makeOptimizer(spec, backend);
  const variables = [backend.variable(tensor([1, 2])), backend.variable(tensor([3]))];
  const apply = async (values: readonly (readonly number[])[]): Promise<boolean> => {
    const gradients = values.map((each) => backend.gradient(tensor(each)));
    try {
      return await optimizer.apply(gradients, variables);
    } finally {
      for (const gradient of gradients) backend.free(gradient);
    }
  };
  await wantRefusal('the first apply', () => apply(bad), [code]);
  check(!optimizer.built && optimizer.iterations === 0, 'a first apply that was refused counts');
  await wantRefusal('trainablePaths', () => optimizer.trainablePaths, ['SGD_NOT_BUILT']);
  check(await apply([[1, 1], [1]]), 'the step after a refused one was dropped');
  const read = Object.values(await optimizer.readAll());
  check(read.join() === '0.5,1.5,2.5', `expected 0.5, 1.5 and 2.5, got ${read.join()}`);
  const last = [...optimizer.trainableVariables];
  await optimizer.dispose();
  for (const handle of last) backend.free(handle);
}

const throwing: Spec = { options: { learningRate: 0.5 }, extras: { nonFinite: 'throw' } };

const lazyBuildRefused: SuiteTest['run'] = ({ backend }) =>
  refuseFirst(
    backend,
    { options: { learningRate: 0.5 } },
    [
      [1, 1],
      [1, 1],
    ],
    'SGD_GRADIENT_SHAPE',
  );

const lazyBuildNotFinite: SuiteTest['run'] = ({ backend }) =>
  refuseFirst(backend, throwing, [[1, 1], [Infinity]], 'SGD_NOT_FINITE');

const modes: SuiteTest['run'] = async ({ backend }) => {
  const optimizer = makeOptimizer({}, backend);
  const gradient = backend.gradient(tensor([1, 1]));
  const results: [string, unknown][] = [];
  const note = async (name: string, call: () => unknown): Promise<void> => {
    const result = call();
    results.push([name, result]);
    await result;
  };
  await note('build', () => optimizer.build([backend.variable(tensor([1, 2]))]));
  await note('apply', () => optimizer.apply([gradient]));
  await note('finalizeVariableValues', () => optimizer.finalizeVariableValues());
  const last = [...optimizer.trainableVariables];
  await note('dispose', () => optimizer.dispose());
  for (const [name, result] of results) {
    const promised = result instanceof Promise;
    check(
      promised === (backend.mode === 'async'),
      `${name} gave ${promised ? 'a promise' : 'a value'} in mode "${backend.mode}"`,
    );
  }
  const state = optimizer.getState();
  check(state instanceof Promise, 'getState gave no promise');
  await (state as Promise<State>).catch(() => {});
  for (const handle of [...last, gradient]) backend.free(handle);
};
