import type { DType, Mode, Program, Slot } from './contract.ts';
import type { Machine } from './machine.ts';

/** A variable of the optimizer's own, by Keras's path, e.g. `sgd/dense_kernel_momentum`. */
export interface OptimizerVariable {
  /** As Keras calls it, e.g. `"sgd/dense_kernel_momentum"`: what `read` takes. */
  readonly path: string;
  /** `[]` for counters and rates. */
  readonly shape: readonly number[];
  /** Counters are of type int32, though `read` gives them as floats. */
  readonly dtype: DType | 'int32';
}

/** Where values are: a number of core's, or a slot of the engine's. */
export type Located = OptimizerVariable & { readonly value: number | { readonly slot: Slot; readonly index: number } };

type KeptSlot = Exclude<Slot, 'variable'>;

/** Keras's order of creation, and its names. */
const KINDS: Readonly<Record<KeptSlot, string>> = {
  average: 'average',
  accumulator: 'gradient_accumulator',
  momentum: 'momentum',
};

/** The slots, in Keras's order of creation. */
export const SLOTS = Object.keys(KINDS) as readonly KeptSlot[];

/** Whether a variable has a slot: one that is overwritten by its gradient has at most an accumulator. */
export function hasSlot(program: Program, index: number, slot: KeptSlot): boolean {
  return program.slots.has(slot) && (slot === 'accumulator' || !program.variables[index]?.overwrites);
}

/** Keras's list: iteration, learning rate (if it is a number), averages, accumulators, momentums; before them a wrapper's own. */
export function optimizerVariables<V, G, M extends Mode>(machine: Machine<V, G, M>, caller: unknown): Located[] {
  const { rate, built, config, micro, scale, owner } = machine;
  const list: Located[] = [];
  const scalar = (path: string, dtype: 'int32' | 'float32', value: number): void =>
    void list.push({ path, shape: [], dtype, value });
  if (scale !== null && caller === owner) {
    const { name } = scale;
    // the wrapper's own counter and rate stay where they are (Keras rule)
    scalar(`${name}/iteration`, 'int32', 0);
    scalar(`${name}/learning_rate`, 'float32', 0);
    scalar(`${name}/step_counter`, 'int32', scale.counter);
    scalar(`${name}/dynamic_scale`, 'float32', scale.value);
  }
  scalar(`${config.name}/iteration`, 'int32', micro);
  if (typeof rate === 'number') scalar(`${config.name}/learning_rate`, 'float32', rate);
  for (const slot of SLOTS) {
    built?.variables.forEach(({ path, shape, dtype }, index) => {
      if (!hasSlot(built.program, index, slot)) return;
      list.push({
        path: `${config.name}/${path.replaceAll('/', '_')}_${KINDS[slot]}`,
        shape,
        dtype,
        value: { slot, index },
      });
    });
  }
  return list;
}
