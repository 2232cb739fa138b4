import { sizeOf } from './engine/size.ts';
import { isNumber, isObject, shown } from './check.ts';
import type { Entry, FloatArray, Mode, WriteEntry } from './contract.ts';
import { refuse } from './errors.ts';
import { setRate } from './learning-rate.ts';
import { type Machine, runAsync, wantBuilt } from './machine.ts';
import { hasSlot, slotNames } from './optimizer-variables.ts';
import { thrown } from './shown.ts';
import { differences, Expected, readOnce } from './state-check.ts';
import { jsonOf } from './state-json.ts';
import type { BuiltVariable } from './variables.ts';

/**
 * The slots of one variable, row-major, in the variable's type: `gradient_accumulator` where the optimizer accumulates gradients, `average`
 * where it averages, and those of its rule, such as `momentum`.
 */
export type SlotState = Readonly<Record<string, FloatArray>>;

/** Lines about what does not fit. */
const MOST = 9;

/**
 * All that an optimizer needs to go on as if it had never stopped, except for the variables themselves. It can be sent through
 * `structuredClone`, `postMessage` and IndexedDB, and, as `getState` gave it, through `JSON.stringify` and `JSON.parse`: slots are
 * written as `"float32:"` or `"float64:"` and their bits in base64, little-endian, and numbers that JSON does not have as text. (A clone
 * can't be written so: what `JSON.stringify` makes of it is refused.)
 */
export interface State {
  /** The version of this form. */
  readonly format: 'sgd-state/2';
  /** The optimizer's class and options. Only the class is looked at on the way in. */
  readonly config: Readonly<Record<string, unknown>> & { readonly className: string };
  /**
   * The raw counter: calls of `apply` taken, micro-batches included. It is what schedules see, and what `read('sgd/iteration')` gives;
   * `optimizer.iterations` is this divided by `gradientAccumulationSteps`, rounded down. Below 2^53 - 1.
   */
  readonly iterations: number;
  /** The learning rate, in float32; `null` when it is a schedule or function. */
  readonly learningRate: number | null;
  /** By path, for every variable. */
  readonly slots: Readonly<Record<string, SlotState>>;
  /**
   * Paths that the optimizer made itself, of variables in a list that had no name, or one that was taken: they hold only as long as
   * variables come in the same order. Absent when there are none.
   */
  readonly generatedPaths?: readonly string[];
  /** Of a LossScaleOptimizer. */
  readonly lossScale?: { readonly dynamicScale: number; readonly stepCounter: number };
}

/** The state, with `leaf` in the place of each slot's values. */
function stateOf<V, G, M extends Mode, T>(
  { micro, config, rate, scale, built }: Machine<V, G, M>,
  className: string,
  leaf: (variable: BuiltVariable<V>, entry: Omit<WriteEntry, 'values'>) => T,
): Record<string, unknown> {
  const learningRate = isNumber(rate) ? rate : null;
  const slots: Record<string, Record<string, T>> = Object.create(null);
  const names = built === null ? [] : slotNames(built.program);
  built?.variables.forEach((variable, index) => {
    const own: Record<string, T> = (slots[variable.path] = Object.create(null));
    for (const slot of names) if (hasSlot(built.program, index, slot)) own[slot] = leaf(variable, { slot, index });
  });
  const generated = built?.variables.filter((variable) => variable.generated).map(({ path }) => path);
  return {
    format: 'sgd-state/2',
    config: { className, ...config, learningRate },
    iterations: micro,
    learningRate,
    slots,
    ...(generated && generated.length > 0 && { generatedPaths: generated }),
    ...(scale && { lossScale: { dynamicScale: scale.value, stepCounter: scale.counter } }),
  };
}

/** Copies the state out. */
export async function readState<V, G, M extends Mode>(machine: Machine<V, G, M>, className: string): Promise<State> {
  const { session } = wantBuilt(machine, 'getState');
  const entries: Entry[] = [];
  const places = stateOf(machine, className, (_, entry) => entries.push(entry) - 1);
  const values = await session.read(entries);
  for (const own of Object.values(places.slots as Record<string, Record<string, unknown>>)) {
    for (const slot of Object.keys(own)) own[slot] = values[own[slot] as number];
  }
  const state = places as unknown as State;
  // not enumerable: a clone has only what can be cloned
  return Object.defineProperty(state, 'toJSON', { value: () => jsonOf(state) });
}

/** What a state says, in copies of ours, once it was checked. */
type Checked = Pick<State, 'iterations' | 'learningRate' | 'slots' | 'lossScale' | 'generatedPaths'>;

/** Reads a state once, and refuses what does not fit. */
function check<V, G, M extends Mode>(machine: Machine<V, G, M>, state: unknown, className: string): Checked {
  const expected = stateOf(machine, className, ({ dtype, shape }) => new Expected(dtype, sizeOf(shape)));
  // of these, only the class must fit
  expected.config = { className };
  delete expected.generatedPaths;
  let wrong: string[];
  let read: unknown;
  try {
    read = readOnce(state);
    const { generatedPaths: paths, ...rest } = isObject(read) ? read : ({} as Record<string, unknown>);
    wrong = differences(expected, isObject(read) ? rest : read, 'state', '');
    const isList = Array.isArray(paths) && paths.every((path) => typeof path === 'string');
    if (paths !== undefined && !isList)
      wrong.push(`state.generatedPaths: expected a list of paths, got ${shown(paths)}`);
  } catch (cause) {
    refuse('SGD_STATE_MISMATCH', `the state can't be read: ${thrown(cause)}`, cause);
  }
  if (wrong.length > 0) {
    if (wrong.length > MOST) wrong.splice(MOST, wrong.length, `and ${wrong.length - MOST} more`);
    refuse('SGD_STATE_MISMATCH', `the state does not fit this optimizer:\n- ${wrong.join('\n- ')}`);
  }
  return read as Checked;
}

/** Reads a state once, checks it whole, writes the slots, then sets the counters. */
export function writeState<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  state: State,
  className: string,
): Promise<void> {
  const { session } = wantBuilt(machine, 'setState');
  const { iterations, learningRate, slots, lossScale, generatedPaths = [] } = check(machine, state, className);
  const entries: WriteEntry[] = [];
  stateOf(machine, className, ({ path }, entry) =>
    entries.push({ ...entry, values: slots[path]?.[entry.slot] as FloatArray }),
  );
  const write = (): Promise<void> => session.write(entries);
  const finish = (): void => {
    machine.micro = iterations;
    if (learningRate !== null) machine.rate = setRate(0, learningRate);
    if (lossScale) machine.scale?.restore(lossScale.dynamicScale, lossScale.stepCounter);
    if (generatedPaths.length > 0) machine.warn(UNNAMED, { code: 'SGD_UNNAMED_VARIABLES', paths: generatedPaths });
  };
  return runAsync(machine, 'setState', write, finish, null, null);
}

const UNNAMED =
  'the state was saved from variables without names of their own, and is restored by their position: ' +
  'if they are not in the same order, it went to the wrong ones; give variables names, or pass a record to build';
