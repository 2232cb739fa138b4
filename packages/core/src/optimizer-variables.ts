import type { DType, FloatArray, Mode, Program, Slot } from './contract.ts';
import type { Machine } from './machine.ts';

/** A variable of the optimizer's own, by Keras's path, e.g. `sgd/dense_kernel_momentum`. */
export interface OptimizerVariable {
  readonly path: string;
  readonly shape: readonly number[];
  readonly dtype: DType | 'int32';
}

/** Where an optimizer variable's values are: a number of core's, or a slot of the engine's. */
export type Located = OptimizerVariable &
  ({ readonly value: () => FloatArray } | { readonly slot: Slot; readonly index: number });

type KeptSlot = Exclude<Slot, 'variable'>;

/** Keras's order of creation, and its names. */
const SLOTS: readonly (readonly [KeptSlot, string])[] = [
  ['average', 'average'],
  ['accumulator', 'gradient_accumulator'],
  ['momentum', 'momentum'],
];

/** Which slots a variable has: one that is overwritten by its gradient has at most an accumulator. */
export function slotsOf(program: Program, index: number): readonly KeptSlot[] {
  const overwrites = program.variables[index]?.overwrites;
  return SLOTS.map(([slot]) => slot).filter(
    (slot) => program.slots.has(slot) && !(overwrites && slot !== 'accumulator'),
  );
}

/** A number of core's own as a variable. */
export function scalar(path: string, dtype: 'int32' | 'float32', value: () => number): Located {
  const Type = dtype === 'int32' ? Float64Array : Float32Array;
  return { path, shape: [], dtype, value: () => new Type([value()]) };
}

/** Keras's list: iteration, learning rate (if it is a number), averages, accumulators, momentums. */
export function optimizerVariables<V, G, M extends Mode>(machine: Machine<V, G, M>): Located[] {
  const { rate, built } = machine;
  const { name } = machine.config;
  const list: Located[] = [scalar(`${name}/iteration`, 'int32', () => machine.micro)];
  if (typeof rate.source === 'number')
    list.push(scalar(`${name}/learning_rate`, 'float32', () => rate.at(machine.micro)));
  if (built === null) return list;
  for (const [slot, kind] of SLOTS) {
    built.variables.forEach(({ path, shape, dtype }, index) => {
      if (!slotsOf(built.program, index).includes(slot)) return;
      list.push({ path: `${name}/${path.replaceAll('/', '_')}_${kind}`, shape, dtype, slot, index });
    });
  }
  return list;
}
