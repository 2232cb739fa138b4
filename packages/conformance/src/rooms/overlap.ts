import { sizeOf } from '@sgd/core/engine';
import type { SgdErrorCode } from '@sgd/core';
import { type AnyOptimizer } from '../backend.ts';
import { check, show } from '../failure.ts';
import { floats, random } from '../random.ts';
import { codeOf, errorOf, later } from '../refusals.ts';
import { needsOfSpec, type Rig, type Shapes, type Spec, wantSame, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('overlap');

const shapes: Shapes = { kernel: [16, 5], bias: [5] };
const spec: Spec = { options: { learningRate: 0.1, momentum: 0.9, useEma: true } };
const fresh = (seed: number): Float32Array[] => {
  const next = random(seed);
  return Object.values(shapes).map((shape) => floats(next, sizeOf(shape)));
};
const busy: SgdErrorCode = 'SGD_BUSY';

/** One call at a time: the second is refused, not queued, and the first is none the worse for it. */
export function overlapRoom(): SuiteTest[] {
  const needs = needsOfSpec(spec);
  const constrained: Spec = { constraints: { kernel: () => {} } };
  return [
    test(
      'second-call',
      'while a step is in flight every other call that changes something is SGD_BUSY',
      secondCall,
      needs,
    ),
    test('read-in-flight', 'a read during a step gives what is there after it', readInFlight, needs),
    test(
      'dispose-in-flight',
      'dispose waits for no one: it is refused while a step is in flight',
      disposeInFlight,
      needs,
    ),
    test(
      'from-learning-rate',
      'a learning rate function that calls back is refused, and the step goes on',
      fromLearningRate,
    ),
    test('from-constraint', 'so is a constraint', fromConstraint, needsOfSpec(constrained)),
    test('after-failure', 'a call that fails leaves the optimizer free', afterFailure),
  ];
}

async function straight(rig: Rig, steps: number): Promise<readonly (Float32Array | Float64Array)[]> {
  for (let step = 0; step < steps; step++) await rig.apply(fresh(step));
  return rig.values();
}

function changing(optimizer: AnyOptimizer, gradients: readonly unknown[]): Record<string, () => unknown> {
  return {
    apply: () => optimizer.apply(gradients as unknown[]),
    finalizeVariableValues: () => optimizer.finalizeVariableValues(),
    swapAverages: () => optimizer.swapAverages(),
    dispose: () => optimizer.dispose(),
    learningRate: () => {
      optimizer.learningRate = 0.7;
    },
  };
}

const secondCall: SuiteTest['run'] = async ({ backend }) => {
  const expected = await withRig(backend, spec, shapes, (rig) => straight(rig, 4));
  await withRig(backend, spec, shapes, async (rig) => {
    const { optimizer } = rig;
    const state = await optimizer.getState();
    for (let step = 0; step < 4; step++) {
      const gradients = fresh(step).map((values, i) => rig.gradient(values, i));
      const first = started(optimizer.apply(gradients));
      if (backend.mode === 'async') {
        const calls = { ...changing(optimizer, gradients), setState: () => optimizer.setState(state) };
        for (const [name, call] of Object.entries(calls)) {
          const code = codeOf(await errorOfNow(call));
          check(
            code === busy,
            `${name} while a step is in flight: expected ${busy}, got ${show(code ?? 'no refusal')}`,
          );
        }
      }
      check((await first) === true, `step ${step} gave ${show(await first)}`);
      for (const gradient of gradients) backend.free(gradient);
    }
    check(optimizer.iterations === 4, `${optimizer.iterations} steps counted, expected 4`);
    (await rig.values()).forEach((got, i) =>
      wantSame(backend, expected[i]!, got, `variable ${i} after refused overlaps`, 4),
    );
  });
};

/** A call in flight: what it gave, as a promise that is awaited later. */
function started(result: boolean | Promise<boolean>): Promise<boolean> {
  return later(Promise.resolve(result));
}

/** The error of a call made now; what is awaited is only its own promise. */
async function errorOfNow(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
}

const readInFlight: SuiteTest['run'] = async ({ backend }) => {
  const expected = await withRig(backend, spec, shapes, (rig) => straight(rig, 1));
  await withRig(backend, spec, shapes, async (rig) => {
    const gradients = fresh(0).map((values, i) => rig.gradient(values, i));
    const step = started(rig.optimizer.apply(gradients));
    const [all, state] = await Promise.all([rig.optimizer.readAll(), rig.optimizer.getState()]);
    await step;
    Object.values(all).forEach((got, i) => wantSame(backend, expected[i]!, got, `variable ${i} read during the step`));
    check(state.iterations === 1, `the state read during the step counts ${state.iterations} steps, expected 1`);
    for (const gradient of gradients) backend.free(gradient);
  });
};

const disposeInFlight: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, spec, shapes, async (rig) => {
    const gradients = fresh(0).map((values, i) => rig.gradient(values, i));
    const step = started(rig.optimizer.apply(gradients));
    if (backend.mode === 'async') {
      const error = await errorOfNow(() => rig.optimizer.dispose());
      check(codeOf(error) === busy, `dispose while a step is in flight: expected ${busy}, got ${show(error)}`);
    }
    await step;
    await rig.apply(fresh(1));
    for (const gradient of gradients) backend.free(gradient);
  });
};

/** What an optimizer answers when it is called from inside its own step. */
function callBack(optimizer: AnyOptimizer, gradient: unknown, codes: (string | undefined)[]): void {
  try {
    const result: unknown = optimizer.apply([gradient, null]);
    if (result instanceof Promise)
      result.then(() => codes.push(undefined)).catch((error: unknown) => codes.push(codeOf(error)));
    else codes.push(undefined);
  } catch (error) {
    codes.push(codeOf(error));
  }
}

async function wantBusy(codes: readonly (string | undefined)[], from: string): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  check(codes.length > 0, `${from} was not called`);
  for (const code of codes)
    check(code === busy, `apply from ${from}: expected ${busy}, got ${show(code ?? 'no refusal')}`);
}

const fromLearningRate: SuiteTest['run'] = async ({ backend }) => {
  const codes: (string | undefined)[] = [];
  let during: (() => void) | undefined;
  const learningRate = (): number => {
    during?.();
    return 0.1;
  };
  await withRig(backend, { options: { learningRate } }, shapes, async (rig) => {
    const gradient = rig.gradient(fresh(0)[0]!, 0);
    during = () => callBack(rig.optimizer, gradient, codes);
    check(await rig.apply(fresh(1)), 'the step was dropped');
    during = undefined;
    await wantBusy(codes, 'the learning rate function');
    check(rig.optimizer.iterations === 1, `${rig.optimizer.iterations} steps counted, expected 1`);
    backend.free(gradient);
  });
};

const fromConstraint: SuiteTest['run'] = async ({ backend }) => {
  const codes: (string | undefined)[] = [];
  let during: (() => void) | undefined;
  const constrained: Spec = { constraints: { kernel: () => during?.() } };
  await withRig(backend, constrained, shapes, async (rig) => {
    const gradient = rig.gradient(fresh(0)[0]!, 0);
    during = () => callBack(rig.optimizer, gradient, codes);
    check(await rig.apply(fresh(1)), 'the step was dropped');
    during = undefined;
    await wantBusy(codes, 'the constraint');
    check(rig.optimizer.iterations === 1, `${rig.optimizer.iterations} steps counted, expected 1`);
    backend.free(gradient);
  });
};

const afterFailure: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, {}, shapes, async (rig) => {
    const error = await errorOf(() => rig.optimizer.apply([null, null]));
    check(codeOf(error) === 'SGD_NO_GRADIENTS', `a step without gradients: ${show(error)}`);
    check(await rig.apply(fresh(1)), 'no step after a refused one');
  });
};
