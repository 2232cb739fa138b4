import type { DType, FloatArray, Mode, Program, Slot } from './contract.ts';
import type { Machine } from './machine.ts';

/** A variable of the optimizer's own, by Keras's path, e.g. `sgd/dense_kernel_momentum`. */
export interface OptimizerVariable {
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: DType | 'int32';
}

/** Where values are: a number of core's, or a slot of the engine's. */
export interface Located extends OptimizerVariable {
  readonly slot?: Slot;
  readonly index?: number;
  readonly value?: () => FloatArray;
}

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

/** A number of core's own as a variable. */
export function scalar(path: string, dtype: 'int32' | 'float32', value: () => number): Located {
  const Type = dtype === 'int32' ? Float64Array : Float32Array;
  return { path, shape: [], dtype, value: () => new Type([value()]) };
}

/** Keras's list: iteration, learning rate (if it is a number), averages, accumulators, momentums. */
export function optimizerVariables<V, G, M extends Mode>(machine: Machine<V, G, M>): Located[] {
  const { rate, built, config } = machine;
  const list = [scalar(`${config.name}/iteration`, 'int32', () => machine.micro)];
  if (typeof rate.source === 'number') list.push(scalar(`${config.name}/learning_rate`, 'float32', () => rate.at(0)));
  if (built === null) return list;
  for (const slot of SLOTS) {
    built.variables.forEach(({ path, shape, dtype }, index) => {
      if (!hasSlot(built.program, index, slot)) return;
      list.push({ path: `${config.name}/${path.replaceAll('/', '_')}_${KINDS[slot]}`, shape, dtype, slot, index });
    });
  }
  return list;
}
