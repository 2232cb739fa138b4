import { type FloatArray, type Measure, type Program, SgdError, type Slot } from '@sgd/core';
import { StepDefinition, sizeOf } from '@sgd/core/engine';
import type { Tensor, TensorFlow, Variable } from './tf.ts';

/** Where a variable is: the drop-in optimizer may be opened on variables that it meets only later. */
export interface Ref {
  variable: Variable;
}

/** What the last updating step measured: a sum of squares, on the host or on the device. */
export type Figure = number | Tensor;

/** What a session holds, and every way to take a step works on. */
export interface State {
  readonly tf: TensorFlow;
  readonly program: Program;
  readonly definition: StepDefinition;
  readonly refs: readonly Ref[];
  /** By name and variable: what the optimizer keeps beside the variables; none for what a variable does not have. */
  readonly slots: Readonly<Record<string, (Tensor | undefined)[]>>;
  readonly figures: Partial<Record<Measure, Figure>>;
  /** Room of a path for its own numbers. */
  scratch: Tensor | undefined;
}

/** Slots with their first values for the variables of a program. */
export function makeState(tf: TensorFlow, program: Program, refs: readonly Ref[]): State {
  const definition = new StepDefinition(program);
  const slots = Object.create(null) as Record<string, (Tensor | undefined)[]>;
  program.variables.forEach(({ shape }, index) => {
    for (const { name, initial = 0 } of definition.tensorsOf(index)) {
      if (name === 'variable') continue;
      const tensor = initial === 0 || sizeOf(shape) === 0 ? tf.zeros([...shape]) : tf.fill([...shape], initial);
      slots[name] ??= program.variables.map(() => undefined);
      slots[name][index] = tf.keep(tensor);
    }
  });
  return { tf, program, definition, refs, slots, figures: {}, scratch: undefined };
}

/** Puts a new tensor in the place of a slot's. */
export function put({ tf, slots }: State, name: string, index: number, tensor: Tensor): void {
  const all = slots[name]!;
  const old = all[index];
  all[index] = tf.keep(tensor);
  old?.dispose();
}

/** Puts a new figure in the place of the last one. */
export function measure({ tf, figures }: State, kind: Measure, figure: Figure): void {
  const old = figures[kind];
  figures[kind] = typeof figure === 'object' ? tf.keep(figure) : figure;
  if (typeof old === 'object') old.dispose();
}

/** The tensor that holds a variable's value or a slot now. */
export function tensorOf({ refs, slots }: State, name: Slot, index: number): Tensor | undefined {
  return name === 'variable' ? refs[index]?.variable : slots[name]?.[index];
}

/** Puts a new tensor in the place of a variable's value or of a slot. */
export function assign(state: State, name: Slot, index: number, tensor: Tensor): void {
  if (name === 'variable') state.refs[index]!.variable.assign(tensor);
  else put(state, name, index, tensor);
}

/** A tensor with a copy of the values, on the current engine. */
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
