import { isNumber, isObject, shown } from './check.ts';
import type { Entry, FloatArray, Mode, WriteEntry } from './contract.ts';
import { refuse } from './errors.ts';
import { setRate } from './learning-rate.ts';
import { type Machine, runAsync, wantBuilt } from './machine.ts';
import { hasSlot, SLOTS } from './optimizer-variables.ts';
import type { BuiltVariable } from './variables.ts';

/** The slots of one variable, row-major, in the variable's type. */
export interface SlotState {
  /** Where the optimizer has momentum. */
  readonly momentum?: FloatArray;
  /** Where it accumulates gradients. */
  readonly accumulator?: FloatArray;
  /** Where it averages. */
  readonly average?: FloatArray;
}

/**
 * All that an optimizer needs to go on as if it had never stopped, except for the variables themselves. It can be sent through
 * `structuredClone`, `postMessage` and IndexedDB.
 */
export interface State {
  /** The version of this form. */
  readonly format: 'sgd-state/1';
  /** The optimizer's class and options. Only the class is looked at on the way in. */
  readonly config: Readonly<Record<string, unknown>> & { readonly className: string };
  /** Calls of `apply` taken, micro-batches included. */
  readonly iterations: number;
  /** The learning rate, in float32; `null` when it is a schedule or function. */
  readonly learningRate: number | null;
  /** By path, for every variable. */
  readonly slots: Readonly<Record<string, SlotState>>;
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
  built?.variables.forEach((variable, index) => {
    const own: Record<string, T> = (slots[variable.path] = Object.create(null));
    for (const slot of SLOTS) if (hasSlot(built.program, index, slot)) own[slot] = leaf(variable, { slot, index });
  });
  return {
    format: 'sgd-state/1',
    config: { className, ...config, learningRate },
    iterations: micro,
    learningRate,
    slots,
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
  return places as unknown as State;
}

/** Checks a state whole, writes the slots, then sets the counters. */
export function writeState<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  state: State,
  className: string,
): Promise<void> {
  const { session } = wantBuilt(machine, 'setState');
  const expected = stateOf(machine, className, ({ dtype, shape }) => [
    `${dtype === 'float32' ? 'Float32Array' : 'Float64Array'} of ${shape.reduce((a, b) => a * b, 1)}`,
  ]);
  expected.config = { className };
  // of the config, only the class must fit
  const given = isObject(state) ? { ...state, config: { className: state.config?.className } } : state;
  const wrong = differences(expected, given, 'state', '');
  if (wrong.length > 0) {
    if (wrong.length > 9) wrong.splice(9, wrong.length, `and ${wrong.length - 9} more`);
    refuse('SGD_STATE_MISMATCH', `the state does not fit this optimizer:\n- ${wrong.join('\n- ')}`);
  }
  const { iterations, learningRate, slots, lossScale } = state;
  const entries: WriteEntry[] = [];
  stateOf(machine, className, ({ path }, entry) =>
    entries.push({ ...entry, values: slots[path]?.[entry.slot as keyof SlotState] as FloatArray }),
  );
  const write = (): Promise<void> => session.write(entries);
  const finish = (): void => {
    machine.micro = iterations;
    if (learningRate !== null) machine.rate = setRate(0, learningRate);
    if (lossScale) machine.scale?.restore(lossScale.dynamicScale, lossScale.stepCounter);
  };
  return runAsync(machine, 'setState', write, finish, null, null);
}

const COUNTS = ['iterations', 'stepCounter'];

/** What does not fit, a line each. A number stands for any number, a text in a list for an array of that kind and size. */
function differences(expected: unknown, given: unknown, path: string, key: string): string[] {
  const isCount = COUNTS.includes(key);
  let fits = given === expected;
  if (isNumber(expected)) fits = isCount ? Number.isSafeInteger(given) && (given as number) >= 0 : isNumber(given);
  // by its kind's name, which holds for an array from another realm too
  if (Array.isArray(expected)) fits = shown(given) === expected[0];
  if (isObject(expected) && isObject(given)) {
    return [...new Set([...Object.keys(expected), ...Object.keys(given)])].flatMap((inner) =>
      differences(own(expected, inner), own(given, inner), `${path}.${inner.slice(0, 99)}`, inner),
    );
  }
  if (fits) return [];
  const wanted = isCount
    ? 'a count'
    : isNumber(expected)
      ? 'a number'
      : Array.isArray(expected)
        ? String(expected[0])
        : shown(expected);
  return [`${path}: expected ${wanted}, got ${shown(given)}`];
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
