import { isNumber, isObject, want } from './check.ts';
import type { Mode, ProgramVariable, Rates, Result } from './contract.ts';
import { refuse } from './errors.ts';
import type { Group } from './groups.ts';
import { rateAt } from './learning-rate.ts';
import { type Built, type Machine, run } from './machine.ts';
import { listed, short, shownShape } from './shown.ts';
import { indexOf } from './variables.ts';

/** Gradients in build order, or by path. `null` and `undefined` stand for a variable that has no gradient in this step. */
export type Gradients<G> = readonly (G | null | undefined)[] | Readonly<Record<string, G | null | undefined>>;

type Given<V> = readonly (V | string)[] | undefined;

/** One step; everything is checked before anything is written. */
export function apply<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  gradients: Gradients<G>,
  variables: Given<V>,
): Result<M, boolean> {
  return run(machine, 'apply', start<V, G, M>, finish<V, G, M>, gradients, variables);
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
  const { session, gradients: taken, indices } = machine.built as Built<V, G, M>;
  if (!gather(machine, gradients, variables)) return null;
  fill(machine);
  return session.step(machine.step, taken, indices);
}

/** `null`: an empty list, which counts for the loss scale only (Keras rule). */
function finish<V, G, M extends Mode>(machine: Machine<V, G, M>, taken: boolean | null): boolean {
  const { scale, built, warn } = machine;
  scale?.count(taken !== false);
  if (taken) {
    machine.micro++;
    const { missed, missing, variables } = built as Built<V, G, M>;
    if (missed > 0) {
      const paths = missing.slice(0, missed).map((i) => variables[i]?.path as string);
      warn(`no gradients for ${listed(paths, short)}: left as they are`, { code: 'SGD_MISSING_GRADIENTS', paths });
    }
  } else if (taken === false && machine.extras.nonFinite === 'throw') {
    refuse(
      'SGD_NOT_FINITE',
      'expected finite gradients with finite norms to clip by, got others: the step was not taken; "skip" drops such steps',
    );
  }
  return taken !== false;
}

/** Checks the gradients and sorts out those that reach the engine; `false` when the list is empty. */
function gather<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  gradients: Gradients<G>,
  variables: Given<V>,
): boolean {
  const built = machine.built as Built<V, G, M>;
  built.missed = built.count = 0;
  built.call++;
  machine.step.ordinary = false;
  let given = 0;
  if (Array.isArray(gradients)) {
    given = gradients.length;
    // Keras takes an empty list at any time, whatever the number of variables
    if (given === 0 && variables === undefined) return false;
    const named = variables ?? built.variables;
    want(Array.isArray(named), 'variables', 'an array', named);
    if (given !== named.length)
      refuse('SGD_GRADIENT_COUNT', `expected ${named.length} gradients, one for each variable, got ${given}`);
    for (let i = 0; i < given; i++) {
      put(machine, built, gradients[i] as G, variables === undefined ? i : once(built, variables[i] as V));
    }
  } else {
    want(
      isObject(gradients) && variables === undefined,
      'gradients',
      'an array, or a record by path without variables',
      gradients,
    );
    for (const path in gradients) {
      given++;
      put(machine, built, gradients[path] as G, once(built, path));
    }
  }
  const { count } = built;
  if (given === 0) return false;
  if (count === 0)
    refuse('SGD_NO_GRADIENTS', `expected at least one gradient, got null for each of ${given} variables`);
  // engines go by the length
  if (count !== built.gradients.length) built.gradients.length = built.indices.length = count;
  return true;
}

/** The index of a variable that was named, by its path or handle. */
function once<V, G, M extends Mode>(built: Built<V, G, M>, variable: V | string): number {
  const index = indexOf(built, variable);
  if (built.seen[index] === built.call)
    refuse('SGD_GRADIENT_COUNT', `${short(built.variables[index]?.path as string)} is given twice`);
  built.seen[index] = built.call;
  return index;
}

function put<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  built: Built<V, G, M>,
  gradient: G | null | undefined,
  index: number,
): void {
  const role = built.roles[index];
  if (role === 'frozen') return;
  if (gradient === null || gradient === undefined) {
    built.missing[built.missed++] = index;
    return;
  }
  const refused = machine.backend.refuses(gradient, index, built.program);
  if (refused !== null) refuseGradient(built, index, refused);
  built.gradients[built.count] = gradient;
  built.indices[built.count++] = index;
  if (role === 'ordinary') machine.step.ordinary = true;
}

function refuseGradient<V, G, M extends Mode>({ program }: Built<V, G, M>, index: number, came: string): never {
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
