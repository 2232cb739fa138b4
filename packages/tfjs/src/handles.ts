import { type Backend, type Program, SgdError } from '@sgd/core';
import { describe, featuresOf, refuses, type TfjsOptions, toConsole, toleranceOf, warnOfHalf } from './backend.ts';
import { openSession, type TensorConstraint } from './session.ts';
import type { Ref, State } from './state.ts';
import type { Tensor, TensorFlow, Variable } from './tf.ts';

/** What core builds on: a variable, or the place of one that a loaded state knows and no call has named yet. */
export interface Handle {
  readonly name: string;
  readonly shape: readonly number[];
  variable: Variable | null;
}

/** A projection of a weight, as a layer has it (`tf.constraints`). */
export interface LayerConstraint {
  apply(weight: Tensor): Tensor;
}

/** A layer's weight. */
export interface LayerWeight {
  readonly constraint: LayerConstraint | null;
  read(): Tensor;
}

/** The engine of a drop-in optimizer, and the handles that it was built on. */
export interface Host {
  readonly backend: Backend<Handle, Tensor, 'sync'>;
  /** In build order. */
  readonly handles: readonly Handle[];
  /** The session's, once there is one. */
  readonly state: State | undefined;
  readonly constraints: WeakMap<Variable, LayerConstraint>;
}

/** A variable's place, with the variable in it. */
export const handleOf = (variable: Variable): Handle => {
  const { name, shape } = variable;
  return { name, shape, variable };
};

export function makeHost(tf: TensorFlow, { exact = false, warn = toConsole }: TfjsOptions): Host {
  let handles: readonly Handle[] = [];
  let state: State | undefined;
  const constraints = new WeakMap<Variable, LayerConstraint>();
  /** Every variable with what applies the constraint of its layer, if it turns out to have one. */
  const constrained = (program: Program, list: readonly Handle[]): Program => {
    const onTensor = (index: number): Tensor | null => {
      const { variable } = list[index]!;
      const constraint = variable && constraints.get(variable);
      return constraint ? constraint.apply(variable) : null;
    };
    const constraint: TensorConstraint = Object.assign(() => {}, { onTensor });
    return { ...program, variables: program.variables.map((variable) => ({ ...variable, constraint })) };
  };
  const never = (): never => {
    throw new SgdError('SGD_UNSUPPORTED', 'make variables and gradients with tf.variable and tf.tensor');
  };
  const backend: Host['backend'] = {
    contract: 2,
    name: 'tfjs',
    mode: 'sync',
    get supports() {
      return featuresOf(tf);
    },
    get tolerance() {
      return toleranceOf(tf);
    },
    variable: never,
    gradient: never,
    free: never,
    describe: (handle) =>
      handle.variable ? describe(handle.variable) : { name: handle.name, shape: handle.shape, dtype: 'float32' },
    refuses,
    open(program, list) {
      warnOfHalf(tf, warn);
      // the variable is there when it is used: a step is refused before otherwise
      const session = openSession(tf, constrained(program, list), list as readonly Ref[], list, exact);
      handles = list;
      state = session.state;
      return session;
    },
  };
  return {
    backend,
    constraints,
    get handles() {
      return handles;
    },
    get state() {
      return state;
    },
  };
}
