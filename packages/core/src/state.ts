import { isObject, shown } from './check.ts';
import type { Entry, FloatArray, Mode, Slot, WriteEntry } from './contract.ts';
import { SgdError } from './errors.ts';
import type { Built, Machine } from './machine.ts';
import { slotsOf } from './optimizer-variables.ts';
import type { KerasObject } from './serialize.ts';

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
  /** The optimizer in Keras's serialized form; `null` when its learning rate can't be serialized. Not looked at on the way in, except for the class. */
  readonly config: KerasObject | null;
  /** Calls of `apply` taken, micro-batches included. */
  readonly iterations: number;
  /** The learning rate, in float32; `null` when it is a schedule or function. */
  readonly learningRate: number | null;
  /** By path, for every variable. */
  readonly slots: Readonly<Record<string, SlotState>>;
  /** Of a LossScaleOptimizer. */
  readonly lossScale?: { readonly dynamicScale: number; readonly stepCounter: number };
}

type KeptSlot = keyof SlotState;

function allEntries<V, G, M extends Mode>({ variables, program }: Built<V, G, M>): Entry[] {
  return variables.flatMap((_, index) => slotsOf(program, index).map((slot: Slot) => ({ slot, index })));
}

/** Copies the state out. */
export async function readState<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  config: KerasObject | null,
): Promise<State> {
  const built = machine.wantBuilt('getState');
  const { scale, rate, micro } = machine;
  const entries = allEntries(built);
  const slots: Record<string, { [K in KeptSlot]?: FloatArray }> = Object.create(null);
  const counters = {
    format: 'sgd-state/1',
    config,
    iterations: micro,
    learningRate: typeof rate.source === 'number' ? rate.source : null,
    slots,
    ...(scale === null ? {} : { lossScale: { dynamicScale: scale.value, stepCounter: scale.counter } }),
  } as const;
  const values = await built.session.read(entries);
  for (const { path } of built.variables) slots[path] = Object.create(null);
  entries.forEach(({ slot, index }, i) => {
    const state = slots[built.variables[index]?.path as string] as Record<string, FloatArray>;
    state[slot] = values[i] as FloatArray;
  });
  return counters;
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
    const more = wrong.length > 10 ? `\n- and ${wrong.length - 10} more` : '';
    throw new SgdError(
      'SGD_STATE_MISMATCH',
      `the state does not fit this optimizer:\n- ${wrong.slice(0, 10).join('\n- ')}${more}`,
    );
  }
  const { iterations, learningRate, slots, lossScale } = state;
  const entries = allEntries(built).map(({ slot, index }): WriteEntry => {
    const values = slots[built.variables[index]?.path as string]?.[slot as KeptSlot] as FloatArray;
    return { slot, index, values };
  });
  return machine.runAsync(
    'setState',
    () => built.session.write(entries),
    () => {
      machine.micro = iterations;
      if (learningRate !== null) machine.rate.source = Math.fround(learningRate);
      if (machine.scale !== null && lossScale !== undefined) {
        machine.scale.value = Math.fround(lossScale.dynamicScale);
        machine.scale.counter = lossScale.stepCounter;
      }
    },
  );
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function problems<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  built: Built<V, G, M>,
  state: unknown,
  className: string,
): string[] {
  if (!isObject(state)) return [`expected an object, got ${shown(state)}`];
  const { format, config, iterations, learningRate, slots, lossScale, ...rest } = state;
  const wrong = Object.keys(rest).map((key) => `unknown key ${shown(key)}`);
  const check = (ok: boolean, name: string, wanted: string, value: unknown): void => {
    if (!ok) wrong.push(`${name}: expected ${wanted}, got ${shown(value)}`);
  };
  check(format === 'sgd-state/1', 'format', '"sgd-state/1"', format);
  const came = isObject(config) ? config.class_name : config;
  check(came === null || came === className, 'config', `of class ${className}`, came);
  check(isCount(iterations), 'iterations', 'a count', iterations);
  if (typeof machine.rate.source === 'number')
    check(typeof learningRate === 'number', 'learningRate', 'a number', learningRate);
  else check(learningRate === null, 'learningRate', 'null, since a schedule or function is in force', learningRate);
  if (machine.scale === null)
    check(lossScale === undefined, 'lossScale', 'nothing: this is no LossScaleOptimizer', lossScale);
  else {
    const { dynamicScale, stepCounter } = isObject(lossScale) ? lossScale : {};
    check(typeof dynamicScale === 'number', 'lossScale.dynamicScale', 'a number', dynamicScale);
    check(isCount(stepCounter), 'lossScale.stepCounter', 'a count', stepCounter);
  }
  return isObject(slots)
    ? [...wrong, ...slotProblems(built, slots)]
    : [...wrong, `slots: expected an object, got ${shown(slots)}`];
}

function slotProblems<V, G, M extends Mode>(built: Built<V, G, M>, slots: Record<string, unknown>): string[] {
  const { variables, program, lookup } = built;
  const wrong = Object.keys(slots)
    .filter((path) => lookup.path(path) < 0)
    .map((path) => `slots: there is no variable ${shown(path)}`);
  variables.forEach(({ path, shape, dtype }, index) => {
    const at = `slots: ${shown(path)}`;
    const given = Object.hasOwn(slots, path) ? slots[path] : undefined;
    if (!isObject(given)) return void wrong.push(`${at}: missing`);
    const expected = slotsOf(program, index);
    const size = shape.reduce((a, b) => a * b, 1);
    const type = dtype === 'float32' ? 'Float32Array' : 'Float64Array';
    for (const slot of expected) {
      const values = Object.hasOwn(given, slot) ? given[slot] : undefined;
      // by name: an array from another realm is an instance of another class
      const fits =
        Object.prototype.toString.call(values) === `[object ${type}]` && (values as FloatArray).length === size;
      if (!fits)
        wrong.push(
          `${at}: ${slot}: expected a ${type} of ${size}, got ${ArrayBuffer.isView(values) ? `${shown(values)} of ${(values as FloatArray).length}` : shown(values)}`,
        );
    }
    for (const slot of Object.keys(given)) {
      if (!(expected as readonly string[]).includes(slot))
        wrong.push(`${at}: ${shown(slot)} is no slot of this optimizer's`);
    }
  });
  return wrong;
}
