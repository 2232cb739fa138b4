import { isPromise, type Resolved, want } from './check.ts';
import type { Backend, Mode, Program, Result, Session, Step } from './contract.ts';
import { isSgdError, reading, refuse } from './errors.ts';
import type { Extras } from './extras.ts';
import { type Group, resolveGroups } from './groups.ts';
import { type LearningRate, setRate } from './learning-rate.ts';
import type { LossScale } from './loss-scale.ts';
import type { OptimizerDefinition } from './optimizer-definition.ts';
import { clipOf, type OptimizerConfig } from './options.ts';
import { thrown } from './shown.ts';
import type { BuiltVariable } from './variables.ts';
import type { OnWarning } from './warnings.ts';

/** What is known of the variables before the engine opens a session on them. */
export interface Plan<V, G> {
  readonly variables: readonly BuiltVariable<V>[];
  /** Indices by path and by the handles given to `build`. */
  readonly known: ReadonlyMap<unknown, number>;
  readonly program: Program;
  /** The engine's part of the step under way. Kept from step to step, so that a step allocates nothing. */
  readonly gradients: G[];
  readonly indices: number[];
  /** Variables without gradient in the step under way, and how many they are. */
  readonly missing: number[];
  missed: number;
  /** By variable: the call in which it was last named, to find repeats. */
  readonly seen: Float64Array;
  call: number;
  /** How many gradients reach the engine in the step under way, and how many are left aside as their variables are frozen. */
  count: number;
  frozen: number;
  /** By variable: what becomes of its gradient. */
  readonly roles: readonly ('ordinary' | 'overwrites' | 'frozen')[];
}

/** What exists once the optimizer is built. */
export interface Built<V, G, M extends Mode> extends Plan<V, G> {
  readonly session: Session<V, G, M>;
}

/**
 * The state machine of every optimizer: counters, the numbers of each step, and which calls may happen now. All arithmetic on
 * tensors is the session's. One machine serves an SGD and the LossScaleOptimizer around it.
 */
export interface Machine<V, G, M extends Mode> {
  readonly backend: Backend<V, G, M>;
  readonly definition: OptimizerDefinition;
  readonly config: OptimizerConfig;
  readonly extras: Resolved<Extras<object>>;
  /** The first is the optimizer's own, of all variables that no group names. */
  readonly groups: readonly Group[];
  /** The numbers of the step under way, filled anew each time. */
  readonly step: { -readonly [K in keyof Step]: Step[K] };
  readonly warn: OnWarning;
  rate: LearningRate;
  built: Built<V, G, M> | null;
  /** Calls of `apply` that were taken, micro-batches included. */
  micro: number;
  /** Set by the LossScaleOptimizer that wraps the optimizer. */
  scale: LossScale | null;
  swapped: boolean;
  disposed: boolean;
  /** The optimizer whose calls may change something: the outermost one. */
  owner: unknown;
  /** Whether a constraint has run in the call in flight: then variables have changed, whatever is thrown. */
  constrained: boolean;
  /** The call in flight, and when it ends. */
  busy: string | null;
  idle: Promise<unknown> | null;
  excluded: { readonly variables: readonly (V | string)[]; readonly names: readonly RegExp[] };
}

/** What a machine is made of. */
export interface MachineSettings<V, G, M extends Mode> {
  readonly backend: Backend<V, G, M>;
  readonly definition: OptimizerDefinition;
  readonly config: OptimizerConfig;
  /** The part of the config that is the rule's. */
  readonly ruleConfig: object;
  readonly extras: Resolved<Extras<object>>;
  readonly warn: OnWarning;
}

/** A machine that is not built. */
export function makeMachine<V, G, M extends Mode>({
  backend,
  definition,
  config,
  ruleConfig,
  extras,
  warn,
}: MachineSettings<V, G, M>): Machine<V, G, M> {
  const second = 'the second argument';
  const contract = reading(second, () =>
    isPromise(backend) ? backend : (backend as { contract?: unknown } | null | undefined)?.contract,
  );
  want(contract === 2, second, 'a contract 2 backend such as cpu(); did you mean @sgd/tfjs?', contract, 'SGD_CONTRACT');
  const { weightDecay } = config;
  const { options: ruleOptions, rule } = definition;
  const groups = reading('extras: groups', () =>
    resolveGroups(extras.groups, { weightDecay, ruleConfig, ruleOptions }),
  );
  const machine: Machine<V, G, M> = {
    backend,
    definition,
    config,
    extras,
    groups,
    step: {
      phase: 'update',
      ordinary: true,
      lossScale: config.lossScaleFactor ?? 1,
      accumulationSteps: config.gradientAccumulationSteps || 1,
      clipLimit: clipOf(config)[1],
      updateCount: 1,
      rates: groups.map((group) => ({
        learningRate: 0,
        weightDecay: group.weightDecay ?? 0,
        options: (rule.scalars ?? []).map((name) => (group.config as Record<string, number>)[name] as number),
      })),
      averageMomentum: 0,
      averageOverwrite: false,
    },
    warn,
    // no number at first: in a field of numbers only, V8 can make a new object at each reading
    rate: () => 0,
    built: null,
    micro: 0,
    scale: null,
    swapped: false,
    disposed: false,
    owner: null,
    constrained: false,
    busy: null,
    idle: null,
    excluded: { variables: [], names: [] },
  };
  machine.rate = setRate(0, config.learningRate);
  return machine;
}

type AnyMachine = Machine<unknown, unknown, Mode>;

/** Refuses a call that may not happen now. */
export function enter(
  machine: Pick<AnyMachine, 'disposed' | 'busy' | 'owner' | 'swapped'>,
  call: string,
  caller: unknown,
  whileSwapped?: boolean,
): void {
  const { busy, disposed, owner, swapped } = machine;
  if (disposed) refuse('SGD_DISPOSED', `${call}: the optimizer was disposed of`);
  if (busy !== null) refuse('SGD_BUSY', `${call}: ${busy} is still in flight`);
  if (owner !== caller) refuse('SGD_UNSUPPORTED', `${call}: call it on the LossScaleOptimizer around this optimizer`);
  if (swapped && !whileSwapped) refuse('SGD_BUSY', `${call}: averages are swapped in; call swapAverages() first`);
}

/** What `build` made. */
export function wantBuilt<V, G, M extends Mode>(machine: Machine<V, G, M>, call: string): Built<V, G, M> {
  if (machine.disposed) refuse('SGD_DISPOSED', `${call}: the optimizer was disposed of`);
  return machine.built ?? refuse('SGD_NOT_BUILT', `${call}: call build(variables) first`);
}

export function wantUnbuilt(machine: { readonly built: unknown }, call: string): void {
  if (machine.built !== null) refuse('SGD_ALREADY_BUILT', `${call}: the optimizer is built`);
}

/** What an engine throws becomes `SGD_BACKEND`; refusals of its own stay what they are, as long as nothing was changed. */
function fail(machine: Pick<AnyMachine, 'busy' | 'backend' | 'constrained'>, cause: unknown): never {
  if (isSgdError(cause) && !machine.constrained) throw cause;
  refuse('SGD_BACKEND', `${machine.busy}: the backend "${machine.backend.name}" failed: ${thrown(cause)}`, cause);
}

function end<V, G, M extends Mode>(machine: Machine<V, G, M>): void {
  const gradients = machine.built?.gradients;
  // gradients belong to the caller; a loop, since Array.prototype.fill takes longer than all else that ends a small step
  if (gradients) for (let i = 0; i < gradients.length; i++) gradients[i] = undefined as G;
  machine.busy = machine.idle = null;
  machine.constrained = false;
}

/** Runs an engine call as the one in flight: at once, or, on an asynchronous engine, as a promise. */
export function run<V, G, M extends Mode, T, A, B>(
  machine: Machine<V, G, M>,
  call: string,
  start: (machine: Machine<V, G, M>, a: A, b: B) => unknown,
  then: (machine: Machine<V, G, M>, value: never) => T,
  a: A,
  b: B,
): Result<M, T> {
  machine.busy = call;
  if (machine.backend.mode === 'async') return runAsync(machine, call, start, then, a, b) as Result<M, T>;
  try {
    let value: unknown;
    try {
      value = start(machine, a, b);
    } catch (cause) {
      fail(machine, cause);
    }
    return then(machine, value as never) as Result<M, T>;
  } finally {
    end(machine);
  }
}

/** As `run`, for calls that return a promise whatever the engine. */
export function runAsync<V, G, M extends Mode, T, A, B>(
  machine: Machine<V, G, M>,
  call: string,
  start: (machine: Machine<V, G, M>, a: A, b: B) => unknown,
  then: (machine: Machine<V, G, M>, value: never) => T,
  a: A,
  b: B,
): Promise<T> {
  machine.busy = call;
  const job = new Promise((resolve) => resolve(start(machine, a, b)))
    .catch((cause) => fail(machine, cause))
    .then((value) => then(machine, value as never))
    .finally(() => end(machine));
  machine.idle = job.catch(() => undefined);
  return job;
}

/** What a call without work for the engine returns. */
export function done<M extends Mode, T>(
  machine: { readonly backend: { readonly mode: Mode } },
  value: T,
): Result<M, T> {
  return (machine.backend.mode === 'sync' ? value : Promise.resolve(value)) as Result<M, T>;
}
