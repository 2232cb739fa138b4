import { ARRAY, resolve, type Resolved, type Spec, want } from './check.ts';
import type { Backend, Mode, Program, Result, Session } from './contract.ts';
import { refuse, SgdError } from './errors.ts';
import type { Extras } from './extras.ts';
import { Gather, type Gradients } from './gather.ts';
import { assignGroups, type Group, isPattern, resolveGroups, stateless } from './groups.ts';
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
  /** Begins the step whose gradients were handed over; `null`: there is nothing to do. */
  readonly start: () => boolean | null | Promise<boolean>;
}

const NOTHING: readonly never[] = [];
const EXCLUSION: Spec = { variables: [[], ...ARRAY], names: [[], ...ARRAY] };

/**
 * The state machine of every optimizer: counters, the numbers of each step, and which calls may happen now. All arithmetic on
 * tensors is the session's. One machine serves an SGD and the LossScaleOptimizer around it.
 */
export class Machine<V, G, M extends Mode> {
  readonly backend: Backend<V, G, M>;
  readonly config: OptimizerConfig;
  readonly extras: Resolved<Extras>;
  readonly rate: RateHolder;
  built: Built<V, G, M> | null = null;
  /** Calls of `apply` that were taken, micro-batches included. */
  micro = 0;
  /** Set by the LossScaleOptimizer that wraps the optimizer. */
  scale: LossScale | null = null;
  swapped = false;
  disposed = false;
  /** The optimizer whose calls may change something: the outermost one. */
  owner: object | null = null;
  /** The call in flight. */
  busy: string | null = null;
  readonly #warn: Warn;
  readonly #rule: Rule;
  readonly #groups: readonly Group[];
  readonly #numbers: StepNumbers;
  readonly #then = (taken: boolean | null): boolean => this.#taken(taken);
  #excluded: { readonly variables: readonly (V | string)[]; readonly names: readonly RegExp[] } = {
    variables: [],
    names: [],
  };
  #gradients: Gradients<G> = NOTHING;
  #given: readonly (V | string)[] | undefined;
  #idle: Promise<unknown> | null = null;

  constructor(backend: Backend<V, G, M>, config: OptimizerConfig, rule: Rule, extras: Resolved<Extras>, warn: Warn) {
    const { contract } = (backend as unknown as { contract?: unknown } | undefined) ?? {};
    want(
      contract === 1,
      'the second argument',
      'a backend of contract 1, such as cpu() of @sgd/cpu',
      contract,
      'SGD_CONTRACT',
    );
    this.backend = backend;
    this.config = config;
    this.extras = extras;
    this.rate = new RateHolder(config.learningRate);
    this.#warn = warn;
    this.#rule = rule;
    this.#groups = resolveGroups(extras.groups, { momentum: rule.momentum, weightDecay: config.weightDecay });
    this.#numbers = new StepNumbers(config, this.#groups, this.rate);
  }

  /** Updates, not micro-batches (Keras's `iterations`). */
  get iterations(): number {
    return this.#numbers.iterations(this.micro);
  }

  /** Refuses a call that may not happen now. */
  enter(call: string, caller: object | null, whileSwapped = false): void {
    if (this.disposed) refuse('SGD_DISPOSED', `${call}: the optimizer was disposed of`);
    if (this.busy !== null) refuse('SGD_BUSY', `${call}: ${this.busy} is still in flight`);
    if (this.owner !== caller)
      refuse('SGD_UNSUPPORTED', `${call}: call it on the LossScaleOptimizer around this optimizer`);
    if (this.swapped && !whileSwapped)
      refuse('SGD_BUSY', `${call}: averages are swapped in; call swapAverages() first`);
  }

  /** What `build` made. */
  wantBuilt(call: string): Built<V, G, M> {
    if (this.disposed) refuse('SGD_DISPOSED', `${call}: the optimizer was disposed of`);
    return this.built ?? refuse('SGD_NOT_BUILT', `${call}: call build(variables) first`);
  }

  #wantUnbuilt(call: string): void {
    if (this.built !== null) refuse('SGD_ALREADY_BUILT', `${call}: the optimizer is built`);
  }

  /** Waits for a call in flight, so that what is read is of one moment. */
  async settled(): Promise<void> {
    // without a promise it is a synchronous call, from a callback of which we came: that ends before this goes on
    while (this.busy !== null) await this.#idle;
  }

  exclude(what: WeightDecayExclusion<V>): void {
    this.#wantUnbuilt('excludeFromWeightDecay');
    const { variables, names } = resolve<Resolved<WeightDecayExclusion<V>>>(EXCLUSION, what, 'excludeFromWeightDecay');
    this.#excluded = { variables: [...variables], names: names.map(toPattern) };
  }

  build(given: Variables<V>, options: BuildOptions<V>): Result<M, void> {
    this.#wantUnbuilt('build');
    const { backend } = this;
    const groups = this.#groups;
    const variables = describeVariables(backend, given);
    const lookup = new Lookup(variables);
    const groupOf = assignGroups(
      groups,
      variables.map((v) => v.path),
    );
    const choices = { groups, groupOf, excluded: this.#excluded, build: options };
    const program = makeProgram(this.#plan(), variables, lookup, choices);
    wantSupport(backend, program);
    const frozen = groupOf.map((group) => (groups[group] as Group).frozen);
    const handles = variables.map((v) => v.handle);
    return this.run(
      'build',
      () => backend.open(program, handles) as Session<V, G, M>,
      (session) => {
        const gather = new Gather(backend, program, lookup, frozen);
        this.built = { variables, lookup, program, gather, session, start: () => this.#start(gather, session) };
      },
    );
  }

  #plan(): Plan {
    const { config, extras, scale } = this;
    return {
      momentum: this.#groups.some((group) => group.momentum !== 0),
      nesterov: this.#rule.nesterov,
      accumulation: Boolean(config.gradientAccumulationSteps),
      average: config.useEma,
      unscale: scale !== null || config.lossScaleFactor !== null,
      clip: clipOf(config).clip,
      finiteCheck: scale !== null || extras.nonFinite !== 'keras',
      measure: new Set(extras.measure),
    };
  }

  /** One step; everything is checked before anything is written. */
  apply(built: Built<V, G, M>, gradients: Gradients<G>, variables?: readonly (V | string)[]): Result<M, boolean> {
    // handed over in fields, since closures would be an allocation per step
    this.#gradients = gradients;
    this.#given = variables;
    return this.run('apply', built.start, this.#then);
  }

  #start(gather: Gather<V, G>, session: Session<V, G, M>): boolean | null | Promise<boolean> {
    if (!gather.take(this.#gradients, this.#given, session.variables)) return null;
    const { step } = this.#numbers;
    this.#numbers.fill(this.micro, gather.ordinary);
    if (this.scale !== null) step.lossScale = this.scale.value;
    return session.step(step, gather.gradients, gather.indices);
  }

  /** `null`: an empty list, which counts for the loss scale only (Keras rule). */
  #taken(taken: boolean | null): boolean {
    this.scale?.count(taken !== false);
    if (taken) {
      this.micro++;
      this.built?.gather.warn(this.#warn);
    } else if (taken === false && this.extras.nonFinite === 'throw') {
      refuse('SGD_NOT_FINITE', 'a gradient is not finite everywhere; the step was not taken');
    }
    return taken !== false;
  }

  /** Averages into the variables. */
  averages(call: string, action: 'assign' | 'swap'): Result<M, void> {
    const { session } = this.wantBuilt(call);
    if (!this.config.useEma || this.micro === 0) {
      refuse(
        'SGD_NO_AVERAGES',
        `${call}: there are no averages ${this.config.useEma ? 'before the first step' : 'without useEma'}`,
      );
    }
    return this.run(
      call,
      () => session.averages(action) as void,
      () => {
        if (action === 'swap') this.swapped = !this.swapped;
      },
    );
  }

  dispose(): Result<M, void> {
    return this.run(
      'dispose',
      () => this.built?.session.dispose() as void,
      () => {
        this.disposed = true;
      },
    );
  }

  /** Runs an engine call as the one in flight; what the engine throws becomes `SGD_BACKEND`. */
  run<T, U>(call: string, start: () => T | Promise<T>, then: (value: T) => U): Result<M, U> {
    if (this.backend.mode === 'async') return this.runAsync(call, start, then) as Result<M, U>;
    this.busy = call;
    try {
      return then(this.#begin(start) as T) as Result<M, U>;
    } finally {
      this.#end();
    }
  }

  /** As `run`, for calls that return a promise whatever the engine. */
  runAsync<T, U>(call: string, start: () => T | Promise<T>, then: (value: T) => U): Promise<U> {
    this.busy = call;
    const job = this.#finish(start, then);
    if (this.busy !== null) this.#idle = job.catch(() => undefined);
    return job;
  }

  async #finish<T, U>(start: () => T | Promise<T>, then: (value: T) => U): Promise<U> {
    try {
      let value: T;
      try {
        value = await this.#begin(start);
      } catch (cause) {
        this.#fail(cause);
      }
      return then(value);
    } finally {
      this.#end();
    }
  }

  #begin<T>(start: () => T): T {
    try {
      return start();
    } catch (cause) {
      return this.#fail(cause);
    }
  }

  #fail(cause: unknown): never {
    if (cause instanceof SgdError) throw cause;
    refuse('SGD_BACKEND', `${this.busy}: the backend "${this.backend.name}" failed: ${String(cause)}`, cause);
  }

  #end(): void {
    this.built?.gather.release();
    this.#gradients = NOTHING;
    this.#given = undefined;
    this.busy = this.#idle = null;
  }

  /** What a call without work for the engine returns. */
  done<T>(value: T): Result<M, T> {
    return (this.backend.mode === 'sync' ? value : Promise.resolve(value)) as Result<M, T>;
  }

  /** As a synchronous engine throws and an asynchronous one rejects. */
  fail(error: unknown): Result<M, never> {
    if (this.backend.mode === 'sync') throw error;
    return Promise.reject(error) as Result<M, never>;
  }
}

function toPattern(source: unknown): RegExp {
  want(isPattern(source), 'excludeFromWeightDecay: a name', 'a regular expression', source);
  try {
    return stateless(new RegExp(source));
  } catch (cause) {
    refuse('SGD_INVALID_OPTION', `excludeFromWeightDecay: ${JSON.stringify(source)} is no regular expression`, cause);
  }
}
