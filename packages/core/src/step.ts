import { isNumber, isPromise, isRecord, shown, want } from './check.ts';
import type { Mode, ProgramVariable, Rates, Result } from './contract.ts';
import { isSgdError, reading, refuse, unreadable } from './errors.ts';
import type { Group } from './groups.ts';
import { rateAt } from './learning-rate.ts';
import { type Built, type Machine, type Plan, run } from './machine.ts';
import { listed, short, shownShape, thrown } from './shown.ts';
import { indexOf } from './variables.ts';
import type { OnWarning } from './warnings.ts';

/**
 * Gradients in build order, or in a plain object by path; both may be empty. `null` and `undefined` stand for a variable that has no
 * gradient in this step. An instance of a class is refused: a `Map` or a promise that nobody awaited would pass for an empty object.
 */
export type Gradients<G> = readonly (G | null | undefined)[] | Readonly<Record<string, G | null | undefined>>;

export type Given<V> = readonly (V | string)[] | undefined;

/** One step; everything is checked before anything is written. */
export function apply<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  gradients: Gradients<G>,
  variables: Given<V>,
): Result<M, boolean> {
  return run(machine, 'apply', start<V, G, M>, finish<V, G, M>, gradients, variables);
}

/** Whether there is nothing in a list or record of gradients. */
export function isEmpty(gradients: Gradients<unknown>): boolean {
  return reading('gradients', () =>
    Array.isArray(gradients) ? gradients.length === 0 : isRecord(gradients) && Object.keys(gradients).length === 0,
  );
}

/** Updates, not micro-batches (Keras's `iterations`). */
export function iterations({ micro, step }: Pick<Machine<never, never, Mode>, 'micro' | 'step'>): number {
  return Math.floor(micro / step.accumulationSteps);
}

/** Starts the counter elsewhere; only where nothing else would have to come with it. */
export function setIterations<V, G, M extends Mode>(machine: Machine<V, G, M>, count: number): void {
  if (machine.built !== null) refuse('SGD_ALREADY_BUILT', 'iterations: the optimizer is built; use setState');
  const micro = count * machine.step.accumulationSteps;
  // one more must still be a count
  const counts = isNumber(count) && count >= 0 && Number.isSafeInteger(count) && Number.isSafeInteger(micro + 1);
  want(counts, 'iterations', 'a count of updates', count);
  want(count === 0 || !machine.config.useEma, 'iterations', '0 with useEma: use setState', count);
  machine.micro = micro;
}

/** `null` when there is nothing to do. */
function start<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  gradients: Gradients<G>,
  variables: Given<V>,
): Result<M, boolean> | null {
  const built = machine.built as Built<V, G, M>;
  if (!prepare(machine, built, gradients, variables)) return null;
  return built.session.step(machine.step, built.gradients, built.indices);
}

/**
 * All that comes before the engine's step; `false` when the list is empty. The engine looks at gradients last: what is the caller's own
 * (getters, learning rate functions) has run by then, whatever it did to their memory.
 */
export function prepare<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  plan: Plan<V, G>,
  gradients: Gradients<G>,
  variables: Given<V>,
): boolean {
  try {
    if (!gather(machine, plan, gradients, variables)) return false;
  } catch (cause) {
    unreadable('gradients', cause);
  }
  fill(machine);
  examine(machine, plan);
  return true;
}

/** `null`: an empty list, which counts for the loss scale only (Keras rule). */
export function finish<V, G, M extends Mode>(machine: Machine<V, G, M>, taken: boolean | null): boolean {
  const { scale, built, warn } = machine;
  scale?.count(taken !== false);
  if (taken) {
    machine.micro++;
    const { missed, missing, variables } = built as Built<V, G, M>;
    if (missed > 0) {
      const paths = missing.slice(0, missed).map((i) => variables[i]?.path as string);
      warnOf(warn, paths);
    }
  } else if (taken === false && machine.extras.nonFinite === 'throw') {
    refuse(
      'SGD_NOT_FINITE',
      'expected finite gradients with finite norms to clip by, got others: the step was not taken; "skip" drops such steps',
    );
  }
  return taken !== false;
}

/** The step was taken: an `SgdError` that the receiver throws would say that nothing was changed. */
function warnOf(warn: OnWarning, paths: readonly string[]): void {
  try {
    warn(`no gradients for ${listed(paths, short)}: left as they are`, { code: 'SGD_MISSING_GRADIENTS', paths });
  } catch (cause) {
    if (!isSgdError(cause)) throw cause;
    refuse('SGD_BACKEND', `apply: the step was taken, but onWarning threw ${thrown(cause)}`, cause);
  }
}

/** Reads the list or record, and sorts out the gradients that reach the engine; `false` when it is empty. */
function gather<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  plan: Plan<V, G>,
  gradients: Gradients<G>,
  variables: Given<V>,
): boolean {
  plan.missed = plan.count = plan.frozen = 0;
  plan.call++;
  machine.step.ordinary = false;
  if (variables !== undefined) want(Array.isArray(variables), 'variables', 'an array', variables);
  let given = 0;
  if (Array.isArray(gradients)) {
    given = gradients.length;
    // Keras takes an empty list at any time, whatever the number of variables
    if (given === 0 && variables === undefined) return false;
    const named = (variables ?? plan.variables).length;
    if (given !== named)
      refuse('SGD_GRADIENT_COUNT', `expected ${named} gradients, one for each variable, got ${given}`);
    for (let i = 0; i < given; i++) {
      put(machine, plan, gradients[i] as G, variables === undefined ? i : once(plan, variables[i] as V));
    }
  } else {
    want(
      isRecord(gradients) && variables === undefined,
      'gradients',
      'an array, or a record by path without variables',
      gradients,
    );
    for (const path in gradients) {
      if (!Object.hasOwn(gradients, path)) continue;
      given++;
      put(machine, plan, gradients[path] as G, once(plan, path));
    }
  }
  const { count } = plan;
  if (given === 0) return false;
  if (count === 0) refuseNone(plan, given);
  // engines go by the length
  if (count !== plan.gradients.length) plan.gradients.length = plan.indices.length = count;
  return true;
}

function refuseNone({ frozen }: Pick<Plan<never, never>, 'frozen'>, given: number): never {
  refuse(
    'SGD_NO_GRADIENTS',
    frozen > 0
      ? 'expected a gradient of a variable that is not frozen, got gradients of frozen ones only'
      : `expected at least one gradient, got null for each of ${given} variables`,
  );
}

/** The index of a variable that was named, by its path or handle. */
function once<V, G>(plan: Plan<V, G>, variable: V | string): number {
  const index = indexOf(plan, variable);
  if (plan.seen[index] === plan.call)
    refuse('SGD_GRADIENT_COUNT', `${short(plan.variables[index]?.path as string)} is given twice`);
  plan.seen[index] = plan.call;
  return index;
}

function put<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  plan: Plan<V, G>,
  gradient: G | null | undefined,
  index: number,
): void {
  const role = plan.roles[index];
  const given = gradient !== null && gradient !== undefined;
  if (role === 'frozen') {
    if (given) plan.frozen++;
  } else if (given) {
    plan.gradients[plan.count] = gradient;
    plan.indices[plan.count++] = index;
    if (role === 'ordinary') machine.step.ordinary = true;
  } else plan.missing[plan.missed++] = index;
}

/** Refuses gradients that do not fit their variables. */
function examine<V, G, M extends Mode>({ backend }: Machine<V, G, M>, plan: Plan<V, G>): void {
  const { gradients, indices, program, count } = plan;
  let index = 0;
  try {
    for (let j = 0; j < count; j++) {
      index = indices[j] as number;
      const came = backend.refuses(gradients[j] as G, index, program);
      if (came !== null) refuseGradient(plan, index, isPromise(gradients[j]) ? shown(gradients[j]) : came);
    }
  } catch (cause) {
    unreadable(`gradient of ${plan.variables[index]?.path as string}`, cause, 'SGD_GRADIENT_SHAPE');
  }
}

function refuseGradient<V, G>({ program }: Plan<V, G>, index: number, came: string): never {
  const { path, shape, dtype } = program.variables[index] as ProgramVariable;
  refuse(
    'SGD_GRADIENT_SHAPE',
    `gradient of ${short(path)}: expected shape ${shownShape(shape)} of ${dtype}, got ${came}`,
  );
}

/** The numbers of this step. Throws what a learning rate function or schedule leads to. */
function fill<V, G, M extends Mode>(machine: Machine<V, G, M>): void {
  const { step, micro, config, groups, scale } = machine;
  const often = config.emaOverwriteFrequency;
  const updates = (micro + 1) % step.accumulationSteps === 0;
  // the window of the update under way counts, so that with accumulation all its micro-batches overwrite (Keras rule)
  const done = iterations(machine);
  step.phase = updates ? 'update' : 'accumulate';
  step.updateCount = done + 1;
  step.averageMomentum = done === 0 ? 0 : config.emaMomentum;
  step.averageOverwrite = config.useEma && !!often && (done + 1) % often === 0;
  if (scale !== null) step.lossScale = scale.value;
  if (!updates || !step.ordinary) return;
  const rate = rateAt(machine.rate, micro);
  for (let i = 0; i < groups.length; i++) {
    const { learningRate, learningRateMultiplier } = groups[i] as Group;
    const own = learningRate === undefined ? rate : rateAt(learningRate, micro);
    (step.rates[i] as { -readonly [K in keyof Rates]: Rates[K] }).learningRate = own * learningRateMultiplier;
  }
}
