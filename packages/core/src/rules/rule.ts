/**
 * Arithmetic on values of kind `T`: numbers, arrays, tensors, graph nodes, source text. Every operation rounds once, to the type of
 * the variable. An optimizer written over these runs on every engine: an engine says what its operations are.
 */
export interface Ops<T> {
  /** A number, formed in float64 and rounded once. */
  constant(value: number): T;
  /** `a + b` */
  add(a: T, b: T): T;
  /** `a - b` */
  sub(a: T, b: T): T;
  /** `a * b` */
  mul(a: T, b: T): T;
  /** `a / b` */
  div(a: T, b: T): T;
  /** The smaller of the two; NaN when either is NaN. */
  min(a: T, b: T): T;
  /** The larger of the two; NaN when either is NaN. */
  max(a: T, b: T): T;
  /** `-a` */
  neg(a: T): T;
  /** `|a|` */
  abs(a: T): T;
  /** The square root, correctly rounded. */
  sqrt(a: T): T;
  /** 1, -1, or 0 for either zero (the sign of that zero is not promised); NaN stays NaN. */
  sign(a: T): T;
  /** `then` where `a > 0`, else `otherwise`, also where `a` is NaN. */
  select(a: T, then: T, otherwise: T): T;
  /** `a * factor`, rounded once, with a factor that is a scalar and may be of a wider type than `a`. */
  scale(a: T, factor: T): T;
  /** `a` to the power `b`. */
  pow(a: T, b: T): T;
  /** The sum over all elements of the tensor, in numpy's pairwise order: one number for the tensor. */
  sum(a: T): T;
}

/** The names of the operations that take and give values. */
export type Operation = Exclude<keyof Ops<never>, 'constant'>;

/** A slot: a tensor of the variable's shape and type that the optimizer keeps beside it. */
export interface SlotSpec<Name extends string = string> {
  /** Unique within the rule, and none of {@link RESERVED_NAMES}. */
  readonly name: Name;
  /** What every element is at first; default 0. */
  readonly initial?: number;
  /**
   * Whether, in the list of the optimizer's variables, it comes right after the slot before it, variable by variable, as Adam's two are in
   * Keras. By default it comes after those of all variables.
   */
  readonly interleaved?: boolean;
}

/** Names of tensors that slots can't have: they are the step's own. */
export const RESERVED_NAMES: readonly string[] = ['x', 'g', 'variable', 'gradient', 'gradient_accumulator', 'average'];

/** The numbers of a step that every rule may use. */
export const STEP_SCALARS = ['learningRate', 'updateCount'] as const;

/** `"learningRate"`, or `"updateCount"`: which update this is, from 1 (Keras's `iterations + 1`). */
export type StepScalar = (typeof STEP_SCALARS)[number];

/**
 * What an optimizer does to a variable, written once for all engines.
 *
 * `Config` are the options of the rule, each a number, a boolean or null. Those that {@link Rule.scalars} names only enter the arithmetic:
 * they may differ from group to group, and kernels are shared. The others decide which operations are done, or are made constants.
 */
export interface Rule<Config extends object = object, Slot extends string = string, Scalar extends string = string> {
  /** For messages. */
  readonly name: string;
  /** Options that {@link Rule.update} gets as values; default: none. */
  readonly scalars?: readonly Scalar[];
  /** The slots that the options ask for, in the order of Keras's `variables`. Where groups ask for different ones, all have all. */
  slots(config: Config): readonly SlotSpec<Slot>[];
  /**
   * The new value `x`, and the new value of each slot that changes, of one variable `x` with gradient `g`. It must not depend on the
   * values: what it does is recorded once, and compiled. Operations that no tensor enters are done once a step, on numbers.
   *
   * @param ops - the operations; each rounds once, to the variable's type
   * @param config - the options, without those that are scalars
   * @param tensors - `x` and `g`, and the slots; one that no group asked for is undefined
   * @param scalars - {@link StepScalar}s, and the options that {@link Rule.scalars} names
   */
  update<T>(
    ops: Ops<T>,
    config: Omit<Config, Scalar>,
    tensors: Readonly<Record<'x' | 'g' | Slot, T>>,
    scalars: Readonly<Record<StepScalar | Scalar, T>>,
  ): Readonly<Record<'x', T>> & Readonly<Partial<Record<Slot, T>>>;
}

/** A rule whose options are not known by type. */
export type AnyRule = Rule<never>;
