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

/** The slots of a program by name, in Keras's order of creation. */
export function slotNames({ averages, accumulates, slots }: Program): readonly Slot[] {
  return [
    ...(averages ? ['average'] : []),
    ...(accumulates ? ['gradient_accumulator'] : []),
    ...slots.map(({ name }) => name),
  ];
}

/** Whether a variable has a slot of its program: one that is overwritten by its gradient has at most an accumulator. */
export function hasSlot(program: Program, index: number, slot: Slot): boolean {
  return slot === 'gradient_accumulator' || !program.variables[index]?.overwrites;
}

/** Keras's list: iteration, learning rate (if it is a number), averages, accumulators, the rule's slots; before them a wrapper's own. */
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
  if (built === null) return list;
  const { program, variables } = built;
  for (const slots of listedTogether(program)) {
    variables.forEach(({ path, shape, dtype }, index) => {
      for (const slot of slots) {
        if (!hasSlot(program, index, slot)) continue;
        const value = { slot, index };
        list.push({ path: `${config.name}/${path.replaceAll('/', '_')}_${slot}`, shape, dtype, value });
      }
    });
  }
  return list;
}

/** The slots in groups that are listed variable by variable. */
function listedTogether(program: Program): Slot[][] {
  const interleaved = new Set(program.slots.filter((slot) => slot.interleaved).map(({ name }) => name));
  const groups: Slot[][] = [];
  for (const slot of slotNames(program)) {
    if (interleaved.has(slot)) groups.at(-1)?.push(slot);
    else groups.push([slot]);
  }
  return groups;
}
