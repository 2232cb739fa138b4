import { want } from './check.ts';
import type { Backend, Mode, Program, Result, Session } from './contract.ts';
import { SgdError } from './errors.ts';
import type { Extras } from './extras.ts';
import { Gather, type Gradients } from './gather.ts';
import { assignGroups, type Group, resolveGroups, stateless } from './groups.ts';
import { RateHolder } from './learning-rate.ts';
import type { LossScale } from './loss-scale.ts';
import { clipOf, type OptimizerConfig } from './options.ts';
import { type BuildOptions, makeProgram, type Plan, wantSupport, type WeightDecayExclusion } from './program.ts';
import { StepNumbers } from './step.ts';
import { type BuiltVariable, describeVariables, Lookup, type Variables } from './variables.ts';
import type { Warn } from './warnings.ts';

/** What an optimizer's own options say to the machine. */
export interface Rule {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/** What exists once the optimizer is built. */
export interface Built<V, G, M extends Mode> {
  readonly variables: readonly BuiltVariable<V>[];
  readonly lookup: Lookup<V>;
  readonly program: Program;
  readonly gather: Gather<V, G>;
  readonly session: Session<V, G, M>;
}

/**
 * The state machine of every optimizer: counters, the numbers of each step, and which calls may happen now. All arithmetic on
 * tensors is the session's. One machine serves an SGD and the LossScaleOptimizer around it.
 */
export class Machine<V, G, M extends Mode> {
  readonly backend: Backend<V, G, M>;
  readonly config: OptimizerConfig;
  readonly rate: RateHolder;
  readonly nonFinite: 'keras' | 'skip' | 'throw';
  readonly warn: Warn;
  built: Built<V, G, M> | null = null;
  /** Calls of `apply` that were taken, micro-batches included. */
  micro = 0;
  /** Set by the LossScaleOptimizer that wraps the optimizer. */
  scale: LossScale | null = null;
  swapped = false;
  /** The optimizer whose calls may change something: the outermost one. */
  owner: object | null = null;
  readonly #rule: Rule;
  readonly #extras: Extras;
  readonly #groups: readonly Group[];
  readonly #numbers: StepNumbers;
  #excluded: { readonly variables: readonly (V | string)[]; readonly names: readonly RegExp[] } = {
    variables: [],
    names: [],
  };
  #busy: string | null = null;
  #idle: Promise<unknown> | null = null;
  #disposed = false;

  constructor(backend: Backend<V, G, M>, config: OptimizerConfig, rule: Rule, extras: Extras, warn: Warn) {
    if ((backend as unknown) === undefined || backend.contract !== 1) {
      const came = (backend as unknown) === undefined ? 'none' : `one of contract ${String(backend.contract)}`;
      throw new SgdError(
        'SGD_CONTRACT',
        `the second argument must be a backend of contract 1, such as cpu() of @sgd/cpu; got ${came}`,
      );
    }
    this.backend = backend;
    this.config = config;
    this.rate = new RateHolder(config.learningRate);
    this.nonFinite = extras.nonFinite ?? 'keras';
    this.warn = warn;
    this.#rule = rule;
    this.#extras = extras;
    this.#groups = resolveGroups(extras.groups ?? [], { momentum: rule.momentum, weightDecay: config.weightDecay });
    this.#numbers = new StepNumbers(config, this.#groups, this.rate);
  }

  /** Updates, not micro-batches (Keras's `iterations`). */
  get iterations(): number {
    return this.#numbers.iterations(this.micro);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Whether a call is in flight. */
  get busy(): boolean {
    return this.#busy !== null;
  }

  /** Refuses a call that may not happen now. */
  enter(call: string, caller: object, whileSwapped = false): void {
    if (this.#disposed) throw new SgdError('SGD_DISPOSED', `${call}: the optimizer was disposed of`);
    if (this.#busy !== null)
      throw new SgdError('SGD_BUSY', `${call}: ${this.#busy} is still in flight; await it first`);
    if (this.owner !== caller) {
      throw new SgdError('SGD_UNSUPPORTED', `${call}: a LossScaleOptimizer wraps this optimizer; call its ${call}`);
    }
    if (this.swapped && !whileSwapped) {
      throw new SgdError('SGD_BUSY', `${call}: the averages are swapped in; call swapAverages() first`);
    }
  }

  /** What `build` made. */
  wantBuilt(call: string): Built<V, G, M> {
    if (this.#disposed) throw new SgdError('SGD_DISPOSED', `${call}: the optimizer was disposed of`);
    if (this.built === null) throw new SgdError('SGD_NOT_BUILT', `${call}: call build(variables) first`);
    return this.built;
  }

  /** Waits for a call in flight, so that what is read is of one moment. */
  async settled(): Promise<void> {
    // without a promise it is a synchronous call, from a callback of which we came: that ends before this goes on
    while (this.#busy !== null) await (this.#idle ?? Promise.resolve());
  }

  exclude(what: WeightDecayExclusion<V>): void {
    if (this.built !== null)
      throw new SgdError('SGD_ALREADY_BUILT', 'excludeFromWeightDecay must be called before build');
    want(typeof what === 'object' && what !== null, 'excludeFromWeightDecay', '{ variables, names }', what);
    const { variables = [], names = [] } = what;
    want(Array.isArray(variables), 'excludeFromWeightDecay: variables', 'an array', variables);
    want(Array.isArray(names), 'excludeFromWeightDecay: names', 'an array of regular expressions', names);
    this.#excluded = { variables: [...variables], names: names.map(toPattern) };
  }

  build(given: Variables<V>, options: BuildOptions<V>): Result<M, void> {
    if (this.built !== null)
      throw new SgdError('SGD_ALREADY_BUILT', 'build: the optimizer is built; make another one for other variables');
    want(typeof options === 'object' && options !== null, 'build: options', 'an object', options);
    const { backend } = this;
    const groups = this.#groups;
    const variables = describeVariables(backend, given);
    const handles = variables.map((v) => v.handle);
    const lookup = new Lookup(variables);
    const groupOf = assignGroups(
      groups,
      variables.map((v) => v.path),
    );
    const choices = { groups, groupOf, excluded: this.#excluded, build: options };
    const program = makeProgram(this.#plan(), variables, lookup, choices);
    wantSupport(backend, program);
    const frozen = groupOf.map((group) => (groups[group] as Group).frozen);
    return this.run(
      'build',
      () => backend.open(program, handles),
      (session) => {
        const gather = new Gather(backend, program, lookup, frozen);
        this.built = { variables, lookup, program, gather, session };
      },
    );
  }

  #plan(): Plan {
    const { config } = this;
    return {
      momentum: this.#groups.some((group) => group.momentum !== 0),
      nesterov: this.#rule.nesterov,
      accumulation: Boolean(config.gradientAccumulationSteps),
      average: config.useEma,
      unscale: this.scale !== null || config.lossScaleFactor !== null,
      clip: clipOf(config).clip,
      finiteCheck: this.scale !== null || this.nonFinite !== 'keras',
      measure: new Set(this.#extras.measure),
    };
  }

  /** One step; everything is checked before anything is written. */
  apply(built: Built<V, G, M>, gradients: Gradients<G>, variables?: readonly (V | string)[]): Result<M, boolean> {
    if (this.backend.mode === 'async') {
      const job = this.#applyLater(built, gradients, variables);
      if (this.#busy !== null) this.#idle = job.catch(() => undefined);
      return job as Result<M, boolean>;
    }
    const { gather, session } = built;
    let taken: boolean;
    this.#busy = 'apply';
    try {
      if (!this.#prepare(gather, session, gradients, variables)) return true as Result<M, boolean>;
      taken = session.step(this.#numbers.step, gather.gradients, gather.indices) as boolean;
      this.#count(taken);
    } catch (cause) {
      throw this.#failure('apply', cause);
    } finally {
      gather.release();
      this.#busy = null;
    }
    return this.#finish(gather, taken) as Result<M, boolean>;
  }

  async #applyLater(
    built: Built<V, G, M>,
    gradients: Gradients<G>,
    variables?: readonly (V | string)[],
  ): Promise<boolean> {
    const { gather, session } = built;
    let taken: boolean;
    this.#busy = 'apply';
    try {
      if (!this.#prepare(gather, session, gradients, variables)) return true;
      taken = await session.step(this.#numbers.step, gather.gradients, gather.indices);
      this.#count(taken);
    } catch (cause) {
      throw this.#failure('apply', cause);
    } finally {
      gather.release();
      this.#busy = this.#idle = null;
    }
    return this.#finish(gather, taken);
  }

  /** `false` when there is nothing to do: an empty list, which counts for the loss scale only (Keras rule). */
  #prepare(
    gather: Gather<V, G>,
    session: Session<V, G, M>,
    gradients: Gradients<G>,
    variables?: readonly (V | string)[],
  ): boolean {
    if (!gather.take(gradients, variables, session.variables)) {
      this.scale?.count(true);
      return false;
    }
    this.#numbers.fill(this.micro, gather.ordinary);
    if (this.scale !== null) this.#numbers.step.lossScale = this.scale.value;
    return true;
  }

  #count(taken: boolean): void {
    if (taken) this.micro++;
    this.scale?.count(taken);
  }

  #finish(gather: Gather<V, G>, taken: boolean): boolean {
    if (taken) gather.warn(this.warn);
    else if (this.nonFinite === 'throw')
      throw new SgdError('SGD_NOT_FINITE', 'a gradient has elements that are not finite; the step was not taken');
    return taken;
  }

  /** Averages into the variables. */
  averages(call: string, action: 'assign' | 'swap'): Result<M, void> {
    const { session, program } = this.wantBuilt(call);
    if (!program.slots.has('average') || this.micro === 0) {
      const why = this.micro === 0 ? 'before the first step there are no averages' : 'useEma is false';
      throw new SgdError('SGD_NO_AVERAGES', `${call}: ${why}`);
    }
    return this.run(
      call,
      () => session.averages(action),
      () => {
        if (action === 'swap') this.swapped = !this.swapped;
      },
    );
  }

  dispose(): Result<M, void> {
    return this.run(
      'dispose',
      () => this.built?.session.dispose(),
      () => {
        this.#disposed = true;
      },
    );
  }

  /** Runs an engine call as the one in flight; what the engine throws becomes `SGD_BACKEND`. */
  run<T, U>(call: string, start: () => T | Promise<T>, then: (value: T) => U): Result<M, U> {
    if (this.backend.mode === 'async') return this.runAsync(call, start as () => Promise<T>, then) as Result<M, U>;
    this.#busy = call;
    try {
      return then(start() as T) as Result<M, U>;
    } catch (cause) {
      throw this.#failure(call, cause);
    } finally {
      this.#busy = null;
    }
  }

  async #runLater<T, U>(call: string, start: () => T | Promise<T>, then: (value: T) => U): Promise<U> {
    try {
      return then(await start());
    } catch (cause) {
      throw this.#failure(call, cause);
    } finally {
      this.#busy = this.#idle = null;
    }
  }

  /** As `run`, for calls that return a promise whatever the engine. */
  runAsync<T, U>(call: string, start: () => Promise<T>, then: (value: T) => U): Promise<U> {
    this.#busy = call;
    const job = this.#runLater(call, start, then);
    if (this.#busy !== null) this.#idle = job.catch(() => undefined);
    return job;
  }

  /** As a synchronous engine throws and an asynchronous one rejects. */
  fail(error: unknown): Result<M, never> {
    if (this.backend.mode === 'sync') throw error;
    return Promise.reject(error) as Result<M, never>;
  }

  #failure(call: string, cause: unknown): SgdError {
    if (cause instanceof SgdError) return cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    return new SgdError('SGD_BACKEND', `${call}: the backend "${this.backend.name}" failed: ${message}`, { cause });
  }
}

function toPattern(source: unknown): RegExp {
  want(
    typeof source === 'string' || source instanceof RegExp,
    'excludeFromWeightDecay: a name',
    'a regular expression',
    source,
  );
  try {
    return typeof source === 'string' ? new RegExp(source) : stateless(source);
  } catch (cause) {
    throw new SgdError(
      'SGD_INVALID_OPTION',
      `excludeFromWeightDecay: ${JSON.stringify(source)} is no regular expression`,
      { cause },
    );
  }
}
