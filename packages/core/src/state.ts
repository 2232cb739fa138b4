import { isNumber, isObject, shown } from './check.ts';
import type { FloatArray, Mode, WriteEntry } from './contract.ts';
import { refuse } from './errors.ts';
import type { Built, Machine } from './machine.ts';
import { hasSlot, SLOTS } from './optimizer-variables.ts';

/** The slots of one variable, row-major, in the variable's type. */
export interface SlotState {
  readonly momentum?: FloatArray;
  readonly accumulator?: FloatArray;
  readonly average?: FloatArray;
}

/**
 * All that an optimizer needs to go on as if it had never stopped, except for the variables themselves. It can be sent through
 * `structuredClone`, `postMessage` and IndexedDB.
 */
export interface State {
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

const STATE_KEYS = ['format', 'config', 'iterations', 'learningRate', 'slots', 'lossScale'];

function entriesOf<V, G, M extends Mode>({ variables, program }: Built<V, G, M>): Omit<WriteEntry, 'values'>[] {
  return variables.flatMap((_, index) =>
    SLOTS.filter((slot) => hasSlot(program, index, slot)).map((slot) => ({ slot, index })),
  );
}

/** Copies the state out. */
export async function readState<V, G, M extends Mode>(machine: Machine<V, G, M>, className: string): Promise<State> {
  const built = machine.wantBuilt('getState');
  const { scale, rate, micro: iterations } = machine;
  const entries = entriesOf(built);
  const learningRate = isNumber(rate.source) ? rate.source : null;
  const config = { className, ...machine.config, learningRate };
  const slots: Record<string, Record<string, FloatArray>> = Object.create(null);
  const lossScale = scale && { dynamicScale: scale.value, stepCounter: scale.counter };
  const values = await built.session.read(entries);
  for (const { path } of built.variables) slots[path] = Object.create(null);
  entries.forEach(({ slot, index }, i) => {
    const { path } = built.variables[index] as { path: string };
    (slots[path] as Record<string, FloatArray>)[slot] = values[i] as FloatArray;
  });
  return { format: 'sgd-state/1', config, iterations, learningRate, slots, ...(lossScale && { lossScale }) };
}

/** Checks a state whole, writes the slots, then sets the counters. */
export function writeState<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  state: State,
  className: string,
): Promise<void> {
  const built = machine.wantBuilt('setState');
  const wrong = problems(machine, built, state, className);
  if (wrong.length > 0) {
    const more = wrong.length > 9 ? `\n- and ${wrong.length - 9} more` : '';
    refuse('SGD_STATE_MISMATCH', `the state does not fit this optimizer:\n- ${wrong.slice(0, 9).join('\n- ')}${more}`);
  }
  const { iterations, learningRate, slots, lossScale } = state;
  const entries = entriesOf(built).map((entry): WriteEntry => {
    const { path } = built.variables[entry.index] as { path: string };
    return { ...entry, values: slots[path]?.[entry.slot as keyof SlotState] as FloatArray };
  });
  return machine.runAsync(
    'setState',
    () => built.session.write(entries),
    () => {
      machine.micro = iterations;
      if (learningRate !== null) machine.rate.set(learningRate);
      if (lossScale !== undefined) machine.scale?.restore(lossScale.dynamicScale, lossScale.stepCounter);
    },
  );
}

/** What does not fit, a line each. */
function problems<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  built: Built<V, G, M>,
  state: unknown,
  className: string,
): string[] {
  const wrong: string[] = [];
  const check = (ok: boolean, name: string, wanted: string, value: unknown): void => {
    if (!ok) wrong.push(`${name}: expected ${wanted}, got ${shown(value)}`);
  };
  const count = (name: string, value: unknown): void =>
    check(Number.isSafeInteger(value) && (value as number) >= 0, name, 'a count', value);
  const known = (object: object, keys: readonly string[], name: string): void => {
    for (const key of Object.keys(object)) if (!keys.includes(key)) wrong.push(`${name}: unknown ${shown(key)}`);
  };
  /** What an object has of its own; nothing of anything else. */
  const own = (object: unknown, key: string): unknown =>
    isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined;

  if (!isObject(state)) return [`expected an object, got ${shown(state)}`];
  known(state, STATE_KEYS, 'state');
  const { format, config, iterations, learningRate, slots, lossScale } = state;
  check(format === 'sgd-state/1', 'format', '"sgd-state/1"', format);
  check(own(config, 'className') === className, 'config.className', className, own(config, 'className'));
  count('iterations', iterations);
  if (isNumber(machine.rate.source)) check(isNumber(learningRate), 'learningRate', 'a number', learningRate);
  else check(learningRate === null, 'learningRate', 'null: a schedule or function is in force', learningRate);
  if (machine.scale) {
    check(isNumber(own(lossScale, 'dynamicScale')), 'dynamicScale', 'a number', own(lossScale, 'dynamicScale'));
    count('stepCounter', own(lossScale, 'stepCounter'));
  } else check(lossScale === undefined, 'lossScale', 'none', lossScale);
  check(isObject(slots), 'slots', 'an object', slots);
  const paths = built.variables.map((v) => v.path);
  known(isObject(slots) ? slots : {}, paths, 'slots');
  built.variables.forEach(({ path, shape, dtype }, index) => {
    const given = own(slots, path);
    check(isObject(given), path, 'its slots', given);
    known(isObject(given) ? given : {}, SLOTS, path);
    const array = `${dtype === 'float32' ? 'Float32Array' : 'Float64Array'} of ${shape.reduce((a, b) => a * b, 1)}`;
    for (const slot of SLOTS) {
      const wanted = hasSlot(built.program, index, slot) ? array : 'undefined';
      // compared as text, which holds for an array from another realm too
      check(shown(own(given, slot)) === wanted, `${path}: ${slot}`, wanted, own(given, slot));
    }
  });
  return wrong;
}
