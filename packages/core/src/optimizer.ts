import { want } from './check.ts';
import type { FloatArray, Measured, Mode, Result } from './contract.ts';
import type { Gradients } from './gather.ts';
import type { LearningRate } from './learning-rate.ts';
import type { Machine } from './machine.ts';
import { type Located, optimizerVariables, type OptimizerVariable } from './optimizer-variables.ts';
import type { BuildOptions, WeightDecayExclusion } from './program.ts';
import { readMeasured, readPath, readVariables } from './reading.ts';
import { type KerasObject, serialize } from './serialize.ts';
import { readState, type State, writeState } from './state.ts';
import type { Variables } from './variables.ts';

let reach: (optimizer: object) => unknown;

/** The machine inside an optimizer, for the wrapper around it. */
export function machineOf<V, G, M extends Mode>(optimizer: Optimizer<V, G, M>): Machine<V, G, M> {
  return reach(optimizer) as Machine<V, G, M>;
}

/**
 * What every optimizer shares: counters, accumulation, clipping, averages, state. `V` is the engine's variable, `G` its gradient.
 * With a synchronous backend calls return at once and throw; with an asynchronous one they return promises and reject.
 *
 * One call at a time: a second one while the first is in flight is refused with `SGD_BUSY`, so is a call from a callback. After
 * {@link Optimizer.dispose} every call is `SGD_DISPOSED`. A call that is refused has changed nothing.
 */
export abstract class Optimizer<V, G, M extends Mode> {
  /** The first part of the paths of the optimizer's own variables. */
  readonly name: string;
  /** Keras's class name. */
  abstract readonly className: string;
  readonly #machine: Machine<V, G, M>;
  readonly #first: readonly Located[];

  static {
    reach = (optimizer) => (optimizer as Optimizer<unknown, unknown, Mode>).#machine;
  }

  /** @internal Only `SGD` and `LossScaleOptimizer` extend this class. */
  protected constructor(machine: unknown, name: string, first: unknown = []) {
    this.#machine = machine as Machine<V, G, M>;
    this.#first = first as readonly Located[];
    this.#machine.owner = this;
    this.name = name;
  }

  /** The options, every default filled in: what the constructor takes. */
  abstract getConfig(): object;

  /** What a loss is to be multiplied by before gradients are taken of it: they are divided by the same. */
  abstract scaleLoss(loss: number): number;

  /** Whether variables were given. */
  get built(): boolean {
    return this.#machine.built !== null;
  }

  /**
   * Takes the variables and makes the slots, zero-filled. A variable's path is its key in a record, else the name that the backend
   * gives, else `variable`, `variable_1`, …; a path already taken gets `_1`, `_2`.
   *
   * @throws SgdError `SGD_ALREADY_BUILT`; `SGD_UNSUPPORTED`: a type or feature that the backend does not have;
   * `SGD_UNKNOWN_VARIABLE`: an option names a variable that is not there; `SGD_INVALID_OPTION`
   */
  build(variables: Variables<V>, options: BuildOptions<V> = {}): Result<M, void> {
    const machine = this.#machine;
    try {
      machine.enter('build', this);
      return machine.build(variables, options);
    } catch (error) {
      return machine.fail(error);
    }
  }

  /**
   * One step. Gradients in build order or by path; `variables` (handles or paths) instead names those that a list is for, in any order.
   * A variable without gradient (`null`) is left as it is, except that its average moves. Unbuilt, it builds on `variables` first.
   *
   * @returns `false` when the step was dropped because a gradient is not finite, else `true`, also for an empty list, which does nothing
   * @throws SgdError `SGD_NOT_BUILT`, `SGD_GRADIENT_COUNT`, `SGD_GRADIENT_SHAPE`, `SGD_NO_GRADIENTS`, `SGD_UNKNOWN_VARIABLE`,
   * `SGD_NOT_FINITE`, `SGD_DETACHED`, `SGD_INVALID_OPTION` (a learning rate function that throws or returns no number), `SGD_BACKEND`
   */
  apply(gradients: Gradients<G>, variables?: readonly (V | string)[]): Result<M, boolean> {
    const machine = this.#machine;
    try {
      machine.enter('apply', this);
      if (machine.built === null) return this.#applyUnbuilt(gradients, variables);
      return machine.apply(machine.built, gradients, variables);
    } catch (error) {
      return machine.fail(error);
    }
  }

  /** Keras builds on the variables of the first call. */
  #applyUnbuilt(gradients: Gradients<G>, variables: readonly (V | string)[] | undefined): Result<M, boolean> {
    const machine = this.#machine;
    if (variables === undefined) {
      const nothing = Array.isArray(gradients) && gradients.length === 0 && machine.scale === null;
      if (!nothing) machine.wantBuilt('apply');
      return (machine.backend.mode === 'sync' ? true : Promise.resolve(true)) as Result<M, boolean>;
    }
    want(
      Array.isArray(variables) && !variables.some((v) => typeof v === 'string'),
      'variables',
      'variables, not paths, in a call that builds',
      variables,
    );
    const built = machine.build(variables as readonly V[], {});
    if (machine.backend.mode === 'sync') return this.apply(gradients, variables);
    return (built as Promise<void>).then(() => this.apply(gradients, variables)) as Result<M, boolean>;
  }

  /** As {@link Optimizer.apply}, for pairs of gradient and variable (or path). */
  applyGradients(pairs: Iterable<readonly [G | null | undefined, V | string]>): Result<M, boolean> {
    try {
      const list = [...pairs];
      return this.apply(
        list.map(([gradient]) => gradient),
        list.map(([, variable]) => variable),
      );
    } catch (error) {
      return this.#machine.fail(error);
    }
  }

  /**
   * Puts the averages into the variables, when training is over. Without `useEma` it does nothing. Constraints are not applied.
   *
   * @param variables - if given, the variables that the optimizer was built with, in that order
   * @throws SgdError `SGD_NO_AVERAGES`: before the first step; `SGD_NOT_BUILT`
   */
  finalizeVariableValues(variables?: readonly (V | string)[]): Result<M, void> {
    const machine = this.#machine;
    try {
      machine.enter('finalizeVariableValues', this);
      const { lookup, session, variables: own } = machine.wantBuilt('finalizeVariableValues');
      if (variables !== undefined) {
        const same =
          variables.length === own.length && variables.every((v, i) => lookup.index(v, session.variables) === i);
        want(same, 'variables', `the ${own.length} that the optimizer was built with, in that order`, variables);
      }
      if (!machine.config.useEma)
        return (machine.backend.mode === 'sync' ? undefined : Promise.resolve()) as Result<M, void>;
      return machine.averages('finalizeVariableValues', 'assign');
    } catch (error) {
      return machine.fail(error);
    }
  }

  /**
   * Variables and averages change places: evaluate on the averages, call it again, and train on. In between, every other call that
   * would change something is refused with `SGD_BUSY`.
   *
   * @throws SgdError `SGD_NO_AVERAGES`: without `useEma`, or before the first step
   */
  swapAverages(): Result<M, void> {
    const machine = this.#machine;
    try {
      machine.enter('swapAverages', this, true);
      return machine.averages('swapAverages', 'swap');
    } catch (error) {
      return machine.fail(error);
    }
  }

  /**
   * Leaves variables out of weight decay; before `build`. A second call replaces the first. Not part of the config, as in Keras.
   *
   * @throws SgdError `SGD_ALREADY_BUILT`; `SGD_INVALID_OPTION`: no list, or no regular expression
   */
  excludeFromWeightDecay(what: WeightDecayExclusion<V>): void {
    this.#machine.exclude(what);
  }

  /** Updates so far: calls of `apply` that were taken, divided by `gradientAccumulationSteps`, rounded down. */
  get iterations(): number {
    return this.#machine.iterations;
  }

  /** The rate of the next step, in float32: a schedule or function is asked. */
  get learningRate(): number {
    const { rate, micro } = this.#machine;
    return rate.at(micro);
  }

  /**
   * A schedule or function replaces whatever is in force; a number replaces a number only.
   *
   * @throws SgdError `SGD_INVALID_OPTION`
   */
  set learningRate(rate: LearningRate) {
    const machine = this.#machine;
    machine.enter('learningRate', machine.owner as object, true);
    machine.rate.replace(rate);
  }

  /** The optimizer's own variables, in Keras's order. */
  get variables(): readonly OptimizerVariable[] {
    return this.#located().map(({ path, shape, dtype }) => ({ path, shape, dtype }));
  }

  /** The variables being trained, in build order: the engine's handles of now, which it may replace at each step. */
  get trainableVariables(): readonly V[] {
    return this.#machine.wantBuilt('trainableVariables').session.variables;
  }

  /** Their paths, in the same order. */
  get trainablePaths(): readonly string[] {
    return this.#machine.wantBuilt('trainablePaths').variables.map((v) => v.path);
  }

  /** @throws SgdError `SGD_UNKNOWN_VARIABLE` */
  trainableVariable(path: string): V {
    const { lookup, session } = this.#machine.wantBuilt('trainableVariable');
    return session.variables[lookup.index(path, null)] as V;
  }

  /**
   * A copy of the values of a variable being trained (`dense/kernel`) or of the optimizer's own (`sgd/iteration`, as float64).
   * Waits for a step in flight.
   *
   * @throws SgdError `SGD_UNKNOWN_VARIABLE`
   */
  read(path: string): Promise<FloatArray> {
    return readPath(this.#machine, path, () => this.#located());
  }

  /** Copies of the values of all variables being trained, by path. Waits for a step in flight. */
  readAll(): Promise<Record<string, FloatArray>> {
    return readVariables(this.#machine);
  }

  /**
   * The norms that `extras.measure` asked for, of the last updating step; none before it.
   *
   * @throws SgdError `SGD_INVALID_OPTION`: nothing is measured
   */
  measured(): Promise<Measured> {
    return readMeasured(this.#machine);
  }

  /** All but the variables themselves, to go on later: slots, counters, learning rate, loss scale. Waits for a step in flight. */
  async getState(): Promise<State> {
    const machine = this.#machine;
    if (machine.busy) await machine.settled();
    machine.enter('getState', this);
    return readState(machine, this.#serialized());
  }

  /**
   * Goes on from a state of {@link Optimizer.getState}. The optimizer is built on variables of the same paths, shapes and types.
   *
   * @throws SgdError `SGD_STATE_MISMATCH`: with a list of what does not fit; nothing is changed then
   */
  async setState(state: State): Promise<void> {
    this.#machine.enter('setState', this);
    return writeState(this.#machine, state, this.className);
  }

  /** Frees the slots; the variables stay yours, with their current values. A second call does nothing. */
  dispose(): Result<M, void> {
    const machine = this.#machine;
    try {
      if (machine.disposed) return (machine.backend.mode === 'sync' ? undefined : Promise.resolve()) as Result<M, void>;
      machine.enter('dispose', this, true);
      return machine.dispose();
    } catch (error) {
      return machine.fail(error);
    }
  }

  #located(): readonly Located[] {
    return [...this.#first, ...optimizerVariables(this.#machine)];
  }

  #serialized(): KerasObject | null {
    try {
      return serialize(this);
    } catch {
      return null; // a learning rate that Keras has no form for
    }
  }
}
