import { type FloatArray, type Program, SgdError, type Slot } from '@sgd/core';
import type { Tensor, TensorFlow, Variable } from './tf.ts';

/** A slot that the optimizer keeps beside the variable. */
export type KeptSlot = Exclude<Slot, 'variable'>;

/** Where a variable is: the drop-in optimizer may be opened on variables that it meets only later. */
export interface Ref {
  variable: Variable;
}

/** What the last updating step measured: sums of squares, on the host or on the device. */
export type Figure = number | Tensor | undefined;

/** What a session holds, and every way to take a step works on. */
export interface State {
  readonly tf: TensorFlow;
  readonly program: Program;
  readonly refs: readonly Ref[];
  /** By slot and variable: kept tensors, none for what a variable does not have. */
  readonly slots: Readonly<Record<KeptSlot, (Tensor | undefined)[]>>;
  readonly figures: { gradient: Figure; update: Figure };
  /** Room of a path for its own numbers. */
  scratch: Tensor | undefined;
}

/** Number of elements. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** Zero-filled slots for the variables of a program. */
export function makeState(tf: TensorFlow, program: Program, refs: readonly Ref[]): State {
  const slot = (kind: KeptSlot): (Tensor | undefined)[] =>
    program.variables.map(({ shape, overwrites }) =>
      program.slots.has(kind) && (kind === 'accumulator' || !overwrites) ? tf.keep(tf.zeros([...shape])) : undefined,
    );
  const slots = { momentum: slot('momentum'), accumulator: slot('accumulator'), average: slot('average') };
  return { tf, program, refs, slots, figures: { gradient: undefined, update: undefined }, scratch: undefined };
}

/** Puts a new tensor in the place of a slot's. */
export function put({ tf, slots }: State, kind: KeptSlot, index: number, tensor: Tensor): void {
  const old = slots[kind][index];
  slots[kind][index] = tf.keep(tensor);
  old?.dispose();
}

/** Puts a new figure in the place of the last one. */
export function measure({ tf, figures }: State, kind: 'gradient' | 'update', figure: Figure): void {
  const old = figures[kind];
  figures[kind] = typeof figure === 'object' ? tf.keep(figure) : figure;
  if (typeof old === 'object') old.dispose();
}

/** The tensor that holds a slot or a variable now. */
export function tensorOf({ refs, slots }: State, kind: Slot, index: number): Tensor | undefined {
  return kind === 'variable' ? refs[index]?.variable : slots[kind][index];
}

/** A tensor with a copy of the values, on the engine of now. */
export function copied(tf: TensorFlow, values: FloatArray, shape: readonly number[]): Tensor {
  return tf.tensor(Float32Array.from(values), [...shape], 'float32');
}

/** Refuses to go on with a variable that was disposed of. */
export function wantAlive({ refs, program }: State, index: number): void {
  const { variable } = refs[index] as { variable: Variable | null };
  if (variable?.isDisposed === false) return;
  const what = variable ? 'was disposed of' : 'is known from a loaded state only: train it once with all others';
  throw new SgdError('SGD_DETACHED', `the variable "${program.variables[index]?.path}" ${what}`);
}
