import { averages } from './averages.ts';
import { isPromise, want } from './check.ts';
import { build, type BuildOptions, exclude, type WeightDecayExclusion } from './build.ts';
import type { FloatArray, Measured, Mode, Result } from './contract.ts';
import { reading } from './errors.ts';
import { applyFirst } from './first.ts';
import { type LearningRate, rateAt, setRate } from './learning-rate.ts';
import { type Built, done, enter, type Machine, run, wantBuilt } from './machine.ts';
import { optimizerVariables, type OptimizerVariable } from './optimizer-variables.ts';
import { readAll, readMeasured, readOne } from './reads.ts';
import { readState, type State, writeState } from './state.ts';
import { apply, type Gradients, isEmpty, iterations, setIterations } from './step.ts';
import { indexOf, type Variables } from './variables.ts';

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

  static {
    reach = (optimizer) => (optimizer as Optimizer<unknown, unknown, Mode>).#machine;
  }

  /** @internal Only `SGD` and `LossScaleOptimizer` extend this class. */
  protected constructor(machine: unknown, name: string) {
    this.#machine = machine as Machine<V, G, M>;
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
   * gives, else `variable`, `variable_1`, …; a path already taken gets `_1`, `_2`. Name variables whose state you save: it is found by path.
   *
   * @throws SgdError `SGD_ALREADY_BUILT`; `SGD_UNSUPPORTED`: a type or feature that the backend does not have;
   * `SGD_UNKNOWN_VARIABLE`: an option names a variable that is not there; `SGD_INVALID_OPTION`
   */
  build(variables: Variables<V>, options: BuildOptions<V> = {}): Result<M, void> {
    return this.#enter('build', (machine) => build(machine, variables, options));
  }

  /**
   * One step. Gradients in build order or by path; `variables` (handles or paths) instead names those that a list is for, in any order.
   * A variable without gradient (`null`) is left as it is, except that its average moves. Unbuilt, it builds on `variables` first; if that
   * first step is refused, it stays unbuilt.
   *
   * @returns `false` when the step was dropped because a gradient or a norm to clip by is not finite, else `true`, also for an empty list
   * or record, which does nothing
   * @throws SgdError `SGD_NOT_BUILT`, `SGD_GRADIENT_COUNT`, `SGD_GRADIENT_SHAPE`, `SGD_NO_GRADIENTS`, `SGD_UNKNOWN_VARIABLE`,
   * `SGD_NOT_FINITE`, `SGD_DETACHED`, `SGD_INVALID_OPTION` (no list or plain record, or one that throws when it is read; a learning rate
   * function that throws or returns no number), `SGD_BACKEND` (also what a constraint throws, after the step)
   */
  apply(gradients: Gradients<G>, variables?: readonly (V | string)[]): Result<M, boolean> {
    const machine = this.#machine;
    try {
      enter(machine, 'apply', this);
      return machine.built === null ? this.#applyUnbuilt(gradients, variables) : apply(machine, gradients, variables);
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Keras builds on the variables of the first call; an empty list it takes at any time. */
  #applyUnbuilt(gradients: Gradients<G>, variables: readonly (V | string)[] | undefined): Result<M, boolean> {
    const machine = this.#machine;
    if (variables !== undefined) return applyFirst(machine, gradients, variables as readonly V[]);
    if (machine.scale !== null || !isEmpty(gradients)) wantBuilt(machine, 'apply');
    return done(machine, true);
  }

  /**
   * As {@link Optimizer.apply}, for pairs of gradient and variable (or path).
   *
   * @throws SgdError as {@link Optimizer.apply}; `SGD_INVALID_OPTION`: no iterable of pairs
   */
  applyGradients(pairs: Iterable<readonly [G | null | undefined, V | string]>): Result<M, boolean> {
    return this.#enter('applyGradients', () => {
      const list = reading('pairs', () => pairsOf(pairs));
      return this.apply(
        list.map(([gradient]) => gradient),
        list.map(([, variable]) => variable),
      );
    });
  }

  /**
   * Puts the averages into the variables, when training is over. Without `useEma` it does nothing. Constraints are not applied.
   *
   * @param variables - if given, the variables that the optimizer was built with, in that order
   * @throws SgdError `SGD_NO_AVERAGES`: before the first step; `SGD_NOT_BUILT`
   */
  finalizeVariableValues(variables?: readonly (V | string)[]): Result<M, void> {
    const call = 'finalizeVariableValues';
    return this.#enter(call, (machine) => {
      const built = wantBuilt(machine, call);
      const all = built.variables;
      const same = reading(call, () => {
        if (variables === undefined) return true;
        const isList = Array.isArray(variables) && variables.length === all.length;
        return isList && !variables.some((v, i) => indexOf(built, v as V) !== i);
      });
      want(same, call, `the ${all.length} variables that it was built with, in that order`, variables);
      return machine.config.useEma ? averages(machine, call, 'assign') : done(machine, undefined);
    });
  }

  /**
   * Variables and averages change places: evaluate on the averages, call it again, and train on. In between, every other call that
   * would change something is refused with `SGD_BUSY`.
   *
   * @throws SgdError `SGD_NO_AVERAGES`: without `useEma`, or before the first step
   */
  swapAverages(): Result<M, void> {
    return this.#enter('swapAverages', (machine) => averages(machine, 'swapAverages', 'swap'), true);
  }

  /** Frees the slots; the variables stay yours, with their current values. A second call does nothing. */
  dispose(): Result<M, void> {
    const machine = this.#machine;
    return machine.disposed ? done(machine, undefined) : this.#enter('dispose', dispose, true);
  }

  /**
   * Leaves variables out of weight decay; before `build`. A second call replaces the first. Not part of the config, as in Keras.
   *
   * @throws SgdError `SGD_ALREADY_BUILT`; `SGD_BUSY`; `SGD_DISPOSED`; `SGD_UNSUPPORTED`: a LossScaleOptimizer wraps this optimizer;
   * `SGD_INVALID_OPTION`: no list, or no regular expression
   */
  excludeFromWeightDecay(what: WeightDecayExclusion<V>): void {
    exclude(this.#machine, what, this);
  }

  /**
   * Updates so far: calls of `apply` that were taken, divided by `gradientAccumulationSteps`, rounded down. The calls themselves, which
   * schedules see, are `iterations` of the state, and `read('sgd/iteration')`.
   */
  get iterations(): number {
    return iterations(this.#machine);
  }

  /**
   * Before `build`: counts on from here, as after so many updates without a trace in slots. Schedules begin in the middle.
   *
   * @throws SgdError `SGD_ALREADY_BUILT`; `SGD_INVALID_OPTION`: no count, or with `useEma`, whose averages begin with the first update
   */
  set iterations(count: number) {
    const machine = this.#machine;
    enter(machine, 'iterations', this);
    setIterations(machine, count);
  }

  /** The rate of the next step, in float32: a schedule or function is asked. */
  get learningRate(): number {
    return rateAt(this.#machine.rate, this.#machine.micro);
  }

  /**
   * A schedule or function replaces whatever is in force; a number replaces a number only.
   *
   * @throws SgdError `SGD_INVALID_OPTION`
   */
  set learningRate(rate: LearningRate) {
    const machine = this.#machine;
    enter(machine, 'learningRate', machine.owner, true);
    machine.rate = setRate(machine.rate, rate);
  }

  /** The optimizer's own variables, in Keras's order. */
  get variables(): readonly OptimizerVariable[] {
    return optimizerVariables(this.#machine, this).map(({ path, shape, dtype }) => ({ path, shape, dtype }));
  }

  /** The variables being trained, in build order: the engine's handles of now, which it may replace at each step. */
  get trainableVariables(): readonly V[] {
    return wantBuilt(this.#machine, 'trainableVariables').session.variables;
  }

  /** Their paths, in the same order. */
  get trainablePaths(): readonly string[] {
    return wantBuilt(this.#machine, 'trainablePaths').variables.map((v) => v.path);
  }

  /**
   * The current handle of a variable.
   *
   * @param path - one of {@link trainablePaths}
   * @throws SgdError `SGD_UNKNOWN_VARIABLE`
   */
  trainableVariable(path: string): V {
    const built = wantBuilt(this.#machine, 'trainableVariable');
    return built.session.variables[indexOf(built, path)] as V;
  }

  /**
   * A copy of the values of a variable being trained (`dense/kernel`) or of the optimizer's own: `sgd/iteration` (the raw counter of
   * `apply` calls, as float64), `sgd/learning_rate`, `sgd/dense_kernel_momentum` and what else {@link Optimizer.variables} lists.
   * Waits for a step in flight.
   *
   * @throws SgdError `SGD_UNKNOWN_VARIABLE`
   */
  read(path: string): Promise<FloatArray> {
    return this.#still('read', (machine, built) => readOne(machine, built, path, this));
  }

  /** Copies of the values of all variables being trained, by path. Waits for a step in flight. */
  readAll(): Promise<Record<string, FloatArray>> {
    return this.#still('readAll', (_, built) => readAll(built));
  }

  /**
   * The norms that `extras.measure` asked for, of the last updating step; none before it. Waits for a step in flight.
   *
   * @throws SgdError `SGD_INVALID_OPTION`: nothing is measured
   */
  measured(): Promise<Measured> {
    return this.#still('measured', readMeasured);
  }

  /** All but the variables themselves, to go on later: slots, counters, learning rate, loss scale. Waits for a step in flight. */
  getState(): Promise<State> {
    return this.#still('getState', (machine) => {
      enter(machine, 'getState', this);
      return readState(machine, this.className);
    });
  }

  /**
   * Goes on from a state of {@link Optimizer.getState}, or from what `JSON.parse(JSON.stringify(state))` makes of it. The optimizer is
   * built on variables of the same paths, shapes and types. The state is read once, into copies, before anything is checked or written.
   * Warns once with `SGD_UNNAMED_VARIABLES` when paths of the state hang on the order of variables.
   *
   * @throws SgdError `SGD_STATE_MISMATCH`: with a list of what does not fit; nothing is changed then
   */
  async setState(state: State): Promise<void> {
    const machine = this.#machine;
    enter(machine, 'setState', this);
    want(!isPromise(state), 'state', 'what getState() resolves to', state, 'SGD_STATE_MISMATCH');
    return writeState(machine, state, this.className);
  }

  /** Runs a call that may happen now. */
  #enter<T>(call: string, job: (machine: Machine<V, G, M>) => Result<M, T>, whileSwapped?: boolean): Result<M, T> {
    const machine = this.#machine;
    try {
      enter(machine, call, this, whileSwapped);
      return job(machine);
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Reads when no call is in flight: at once if none is, so that what is read is of the moment of the call. */
  async #still<T>(call: string, job: (machine: Machine<V, G, M>, built: Built<V, G, M>) => Promise<T>): Promise<T> {
    const machine = this.#machine;
    // without a promise it is a synchronous call, from a callback of which we came: that ends before this goes on
    while (machine.busy !== null) await machine.idle;
    return job(machine, wantBuilt(machine, call));
  }

  /** As a synchronous engine throws and an asynchronous one rejects. */
  #fail(error: unknown): Result<M, never> {
    if (this.#machine.backend.mode === 'sync') throw error;
    return Promise.reject(error) as Result<M, never>;
  }
}

function pairsOf<G, V>(pairs: Iterable<readonly [G, V]>): readonly (readonly [G, V])[] {
  const isIterable = typeof (pairs as Partial<typeof pairs> | null | undefined)?.[Symbol.iterator] === 'function';
  want(isIterable, 'pairs', 'an iterable of [gradient, variable]', pairs);
  return Array.from(pairs, (pair) => {
    want(Array.isArray(pair), 'pairs', '[gradient, variable]', pair);
    return [pair[0] as G, pair[1] as V];
  });
}

function dispose<V, G, M extends Mode>(machine: Machine<V, G, M>): Result<M, void> {
  const start = (): unknown => machine.built?.session.dispose();
  const finish = (): void => {
    machine.disposed = true;
  };
  return run(machine, 'dispose', start, finish, null, null);
}
