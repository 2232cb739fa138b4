/**
 * The contract between `@sgd/core` and an engine, version 2. Types only.
 *
 * Core decides *what* happens at a step (when to update, at which rate, when to overwrite by the average);
 * a backend does it, whole, in one call of {@link Session.step}.
 */

import type { AnyRule, SlotSpec } from './rules/rule.ts';

/**
 * What a backend keeps for a variable: `"variable"`, its value; `"gradient_accumulator"` and `"average"`, where the program has them; and
 * the slots of the rule, under their names.
 */
export type Slot = string;

/** Whether the calls of an engine return at once or a promise. */
export type Mode = 'sync' | 'async';

/** `T` for a sync engine, `Promise<T>` for an async one. */
export type Result<M extends Mode, T> = M extends 'sync' ? T : Promise<T>;

/** Values on the host. */
export type FloatArray = Float32Array | Float64Array;

/** Element types of variables. */
export type DType = 'float32' | 'float64';

/** A tensor on the host: `data` in row-major order, as many elements as the product of `shape` (1 for `[]`). */
export interface HostTensor {
  /** Row-major. */
  readonly data: FloatArray;
  /** `[]` for a scalar. */
  readonly shape: readonly number[];
  /** What it is called in paths and messages. */
  readonly name?: string | undefined;
}

/**
 * Changes a variable in place after a step, e.g. to keep it non-negative. Called with the values in row-major order.
 * It must not throw, keep `data`, or call the optimizer. What it throws becomes the `cause` of an `SGD_BACKEND`: the step was taken.
 */
export type Constraint = (data: FloatArray, shape: readonly number[]) => void;

/** What a backend may be able to do. Core refuses, when it is built, options that need a feature that is not declared. */
export type Feature =
  | 'weight-decay'
  | 'accumulation'
  | 'average'
  | 'finite-check'
  | 'clip-value'
  | 'clip-norm'
  | 'clip-global-norm'
  | 'groups'
  | 'measure'
  | 'overwrite'
  | 'constraint'
  | 'float64'
  /** The operation `pow`, on tensors. */
  | 'pow'
  /** The operation `sum` within a rule. */
  | 'sum';

/**
 * How gradients are clipped, on updating steps only. `Step.clipLimit` is the limit `c`, rounded to the variable's type.
 *
 * A sum of squares is rounded to the variable's type `R`, also by an engine that forms it in a wider one, so that all engines agree on when
 * it overflows. Under `"global-norm"` over gradients of both types, the sum of the sums and all that follows is in float64, and each float32
 * gradient is multiplied by `f` before it is rounded.
 */
export type Clip =
  | 'none'
  /** `g = min(max(g, -c), c)` for each element; NaN stays NaN. */
  | 'value'
  /** Each gradient alone: `s = sum(g*g)`, `n = s > 0 ? sqrt(s) : s`, `g = (g * c) / max(n, c)`, also below the limit. */
  | 'norm'
  /**
   * All given ordinary gradients together: `n = sqrt(sum of the sums)`, `q = min(1 / n, R(1 / clipLimit))` with `1 / clipLimit`
   * formed in float64 from the unrounded limit, `f = c * q + (n - n)`, `g = g * f`.
   */
  | 'global-norm';

/** A figure that a backend can take inside passes that run anyway. */
export type Measure = 'gradient-norm' | 'update-norm';

/** A variable as the program sees it. */
export interface ProgramVariable {
  /** Unique, for messages. */
  readonly path: string;
  /** `[]` for a scalar. */
  readonly shape: readonly number[];
  /** Of the variable, and so of its slots and of the arithmetic. */
  readonly dtype: DType;
  /** Which entry of `Step.rates` holds for it. */
  readonly group: number;
  /** Whether weight decay touches it. */
  readonly decays: boolean;
  /** Its gradient replaces its value; it has no slots of the rule and no average, and is never clipped, decayed or constrained. */
  readonly overwrites: boolean;
  /** Run in place after averaging, on accumulating steps too, when the variable was given. */
  readonly constraint: Constraint | null;
}

/** Fixed for the optimizer's life: compile, specialise and allocate from it, once. */
export interface Program {
  /** What is done to a variable by its gradient. */
  readonly rule: AnyRule;
  /** The options of the rule, by group. */
  readonly configs: readonly object[];
  /** The slots of the rule, for every variable that is not overwritten by its gradient. */
  readonly slots: readonly SlotSpec[];
  /** Whether every variable has a slot `"gradient_accumulator"`, zero at first. */
  readonly accumulates: boolean;
  /** Whether every variable that is not overwritten by its gradient has a slot `"average"`. */
  readonly averages: boolean;
  /** Whether gradients are divided by `Step.lossScale`; if not, it is never looked at. */
  readonly unscale: boolean;
  /** Which clip, if any; its limit comes with each step. */
  readonly clip: Clip;
  /**
   * Whether a step is dropped that has a gradient element that is not finite (looked at before unscaling) or, when it updates, a norm for the
   * clip that is not finite. Without it, such a step is taken.
   */
  readonly finiteCheck: boolean;
  /** Figures to take; empty by default. */
  readonly measure: ReadonlySet<Measure>;
  /** In build order: indices everywhere are those of this list. */
  readonly variables: readonly ProgramVariable[];
}

/** The rates of one group. Weight decay is `x = x - (x * weightDecay) * learningRate`, in this order. */
export interface Rates {
  /** Of this step, in float32: what a schedule gives, with the multiplier of the group. */
  readonly learningRate: number;
  /** Not looked at where no variable of the group decays. */
  readonly weightDecay: number;
  /** The options that are scalars of the rule, in the order of `Rule.scalars`. */
  readonly options: readonly number[];
}

/**
 * All that may change from call to call, in plain numbers. Core reuses the object: it is valid during the call only.
 * Kernels round the numbers to the variable's type first (`clipLimit` under `"global-norm"`: see {@link Clip}).
 */
export interface Step {
  /** `"accumulate"`: add the gradients to the accumulators and nothing else. Always `"update"` without that slot. */
  readonly phase: 'accumulate' | 'update';
  /** `false`: only overwriting variables were given: no averaging, no reset of accumulators. */
  readonly ordinary: boolean;
  /** Which update this is, or will be: from 1. */
  readonly updateCount: number;
  /** Gradients are divided by it (not multiplied by its inverse: the bits differ). */
  readonly lossScale: number;
  /** Divisor of the accumulated sum: `g = (g + accumulator) / accumulationSteps`. */
  readonly accumulationSteps: number;
  /** The limit `c` of the clip, greater than 0 where the program clips. */
  readonly clipLimit: number;
  /** One entry per group; exactly one unless the user made groups. */
  readonly rates: readonly Rates[];
  /** `a = b*a + (1-b)*x` with this `b`; 0 while no update was counted, so that the average starts at the value. */
  readonly averageMomentum: number;
  /** After averaging, every averaged variable becomes its average. */
  readonly averageOverwrite: boolean;
}

/** Which values to read or write: a slot of a variable, by index in build order. */
export interface Entry {
  /** The value itself, or a slot that the program has. */
  readonly slot: Slot;
  /** Of the variable. */
  readonly index: number;
}

/** An entry with the values to be written, as many as the variable has. */
export interface WriteEntry extends Entry {
  /** Row-major, of the variable's type. */
  readonly values: FloatArray;
}

/**
 * What the last updating step measured, as L2 norms. The differences, squares and sums are in float64; on a device without float64, in
 * float32, where they may overflow to Infinity or underflow to 0.
 */
export interface Measured {
  /** Norm over all given gradients, after unscaling and averaging of micro-batches, before clipping. */
  gradientNorm?: number;
  /** Norm of the change that the rule made (decay included), before averages overwrite and constraints. */
  updateNorm?: number;
}

/**
 * An engine. A plain value from a lower-case factory (`cpu()`), passed in by hand.
 *
 * `V` is the engine's own variable, `G` what it takes as a gradient.
 */
export interface Backend<V, G = V, M extends Mode = Mode> {
  /** The version of this contract. */
  readonly contract: 2;
  /** What it is called in messages, e.g. `"wasm"`. */
  readonly name: string;
  /** Whether steps return at once: `"sync"` makes every method of the optimizer sync, but those that read. */
  readonly mode: M;
  /** Core refuses options that need another feature, when the optimizer is built. */
  readonly supports: ReadonlySet<Feature>;
  /** How far one step may be from Keras's float32 arithmetic; `{ rtol: 0, atol: 0 }` claims the same bits. */
  readonly tolerance: { readonly rtol: number; readonly atol: number };
  /** A variable of the engine's own that holds a copy of the values. */
  variable(values: HostTensor): V;
  /** A gradient of the engine's own that holds a copy of the values. */
  gradient(values: HostTensor): G;
  /** Gives back what `variable` or `gradient` made. */
  free(value: V | G): void;
  /** What a variable is; throws when it is none of this engine's. `dtype` may be any name: core refuses what it must. */
  describe(variable: V): {
    readonly name?: string | undefined;
    readonly shape: readonly number[];
    readonly dtype: string;
  };
  /** `null` when the gradient fits the variable (nothing is allocated then); else what came, e.g. `"a gradient of shape [3]"`. */
  refuses(gradient: G, index: number, program: Program): string | null;
  /** Takes the variables (borrowed until the session is disposed of) and makes zero-filled slots. */
  open(program: Program, variables: readonly V[]): Result<M, Session<V, G, M>>;
}

/** The variables and slots of one optimizer on an engine. */
export interface Session<V, G = V, M extends Mode = Mode> {
  /** Current handles, in build order; an engine may replace them at each step, and frees those that it replaced itself. */
  readonly variables: readonly V[];
  /**
   * One whole step. `gradients[j]` belongs to variable `indices[j]`, in the caller's order (the global norm adds in it), without
   * nulls or repeats. A gradient is borrowed for the call: not kept, not disposed of, not written. In order:
   *
   * 1. finite check: `false`, and nothing changed (the last measures neither), when an element of any gradient is not finite or, on updating
   *    steps with the clip `"norm"` or `"global-norm"`, when a norm is not finite, because the squares of finite elements overflowed;
   * 2. overwriting variables: `x = g`; with an accumulator `A = max(g, A)` and, on updating steps, `x = A`, `A = 0`;
   * 3. if not `ordinary`: done;
   * 4. `g = g / lossScale`;
   * 5. accumulating: `A = g + A`. Updating: `g = (g + A) / accumulationSteps`, clip, decay, the rule; then every accumulator is set to 0;
   * 6. averages of all averaged variables, given or not; overwrite;
   * 7. constraints of the given variables.
   *
   * @returns whether the step was taken: `false` when the finite check dropped it
   */
  step(step: Step, gradients: readonly G[], indices: readonly number[]): Result<M, boolean>;
  /** `"assign"`: averaged variables become their averages. `"swap"`: they change places. */
  averages(action: 'assign' | 'swap'): Result<M, void>;
  /** Copies, as of the call: later steps do not show in them. */
  read(entries: readonly Entry[]): Promise<FloatArray[]>;
  /** Copies the values in; all of them or, when it fails, none. */
  write(entries: readonly WriteEntry[]): Promise<void>;
  /** What the last updating step measured; only with a program that measures. */
  measured?(): Promise<Measured>;
  /** Frees the slots; the current variables stay the caller's. */
  dispose(): Result<M, void>;
}
