import { sizeOf } from '@sgd/core/engine';
import { type Constraint, type Entry, type Measured, type Program, type Session, SgdError } from '@sgd/core';
import { copyOf, engineOf, readAll, readsAtOnce, wantDevice, wantValues } from './engines.ts';
import { choosePath } from './paths.ts';
import { assign, copied, type Figure, makeState, put, type Ref, type State, tensorOf, wantAlive } from './state.ts';
import type { Tensor, TensorFlow } from './tf.ts';

/** A constraint that works on the tensor: gives a new one, or none to leave the variable as it is. */
export type TensorConstraint = Constraint & { readonly onTensor: (index: number) => Tensor | null };

/** A session, and what the drop-in optimizer needs of it. */
export interface TfjsSession<V> extends Session<V, Tensor, 'sync'> {
  readonly state: State;
}

/** Makes slots for variables that may come later; `handles` are what the session calls them. */
export function openSession<V>(
  tf: TensorFlow,
  program: Program,
  refs: readonly Ref[],
  handles: readonly V[],
  exact: boolean,
): TfjsSession<V> {
  wantFeatures(tf, program);
  wantDevice(tf);
  const state = makeState(tf, program, refs);
  const all = program.variables.map((_, index) => index);

  const find = ({ slot, index }: Entry, length?: number): Tensor => {
    const tensor = tensorOf(state, slot, index);
    if (tensor && tensor.size === (length ?? tensor.size)) {
      if (slot === 'variable') wantAlive(state, index);
      return tensor;
    }
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} has ${tensor?.size ?? 'no'} values, got ${length}`);
  };

  return {
    state,
    variables: handles,
    step(step, gradients, indices) {
      wantFeatures(tf, program);
      wantDevice(tf);
      const averages = step.ordinary && state.slots.average !== undefined;
      for (const index of averages ? all : indices) wantAlive(state, index);
      gradients.forEach((gradient, j) => wantValues(tf, gradient, program.variables[indices[j]!]!.path));
      if (!choosePath(tf, exact).step(state, step, gradients, indices)) return false;
      if (step.ordinary) constrain(state, indices);
      return true;
    },
    averages(action) {
      const averaged = all.filter((index) => state.slots.average?.[index]);
      for (const index of averaged) wantAlive(state, index);
      tf.tidy(() => {
        for (const index of averaged) {
          const { variable } = refs[index]!;
          const average = state.slots.average![index]!;
          if (variable.size === 0) continue;
          // real copies: slots may be written in place
          const old = action === 'swap' ? tf.mul(variable, 1) : null;
          variable.assign(tf.mul(average, 1));
          if (old) put(state, 'average', index, old);
        }
      });
    },
    async read(entries) {
      return readAll(
        tf,
        entries.map((entry) => find(entry)),
      ) as Promise<Float32Array[]>;
    },
    async write(entries) {
      for (const entry of entries) find(entry, entry.values.length);
      tf.tidy(() => {
        for (const { slot, index, values } of entries) {
          assign(state, slot, index, copied(tf, values, program.variables[index]!.shape));
        }
      });
    },
    async measured() {
      const { 'gradient-norm': gradient, 'update-norm': update } = state.figures;
      const made: Measured = {};
      const [g, u] = await Promise.all([norm(tf, gradient), norm(tf, update)]);
      if (g !== undefined) made.gradientNorm = g;
      if (u !== undefined) made.updateNorm = u;
      return made;
    },
    dispose() {
      for (const slot of Object.values(state.slots)) {
        tf.dispose(slot.filter((tensor) => tensor !== undefined));
        slot.length = 0;
      }
      const { figures } = state;
      tf.dispose(Object.values(figures).filter((figure) => typeof figure === 'object'));
      for (const kind of program.measure) delete figures[kind];
      state.scratch?.dispose();
      state.scratch = undefined;
    },
  };
}

async function norm(tf: TensorFlow, figure: Figure | undefined): Promise<number | undefined> {
  if (typeof figure !== 'object') return figure === undefined ? figure : Math.sqrt(figure);
  return Math.sqrt((await readAll(tf, [figure]))[0]![0]!);
}

/** The engine may be another than when core asked what it can do. */
function wantFeatures(tf: TensorFlow, { finiteCheck, variables }: Program): void {
  const engine = engineOf(tf);
  if (readsAtOnce(engine)) return;
  const needs = finiteCheck
    ? 'finite-check'
    : variables.some(({ constraint }) => constraint && !('onTensor' in constraint)) && 'constraint';
  if (needs) throw new SgdError('SGD_UNSUPPORTED', `the engine ${engine} can't read values within a step: no ${needs}`);
}

/** The step was taken: what a constraint throws must not pass for a refusal. */
function projected({ onTensor }: TensorConstraint, index: number): Tensor | null {
  try {
    return onTensor(index);
  } catch (cause) {
    throw new SgdError('SGD_BACKEND', `a constraint threw ${String(cause).slice(0, 299)}`, { cause });
  }
}

function constrain({ tf, program, refs }: State, indices: readonly number[]): void {
  for (const index of indices) {
    const { constraint, overwrites, shape } = program.variables[index]!;
    if (!constraint || overwrites) continue;
    const { variable } = refs[index]!;
    tf.tidy(() => {
      if ('onTensor' in constraint) {
        const tensor = projected(constraint as TensorConstraint, index);
        if (tensor) variable.assign(tensor);
      } else if (sizeOf(shape) > 0) {
        const values = copyOf(variable) as Float32Array;
        constraint(values, shape);
        variable.assign(tf.tensor(values, [...shape], 'float32'));
      }
    });
  }
}
