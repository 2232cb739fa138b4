import type { Clip, Measure } from '../contract.ts';
import { type AnyRule, type Ops, type SlotSpec, STEP_SCALARS, type StepScalar } from '../rules/rule.ts';
import type { KernelOutputs, Observation } from './kernel.ts';

/** What surrounds a rule, and the rule: fixed when the optimizer is built. */
export interface StepOptions {
  readonly rule: AnyRule;
  /** The options of the rule, less those that are scalars. */
  readonly config: object;
  /** Of the rule. */
  readonly slots: readonly SlotSpec[];
  /** Whether gradients are divided by the loss scale. */
  readonly unscale: boolean;
  /** Whether there is a gradient accumulator. */
  readonly accumulates: boolean;
  /** Whether there is an average. */
  readonly averages: boolean;
  readonly clip: Clip;
  readonly measure: ReadonlySet<Measure>;
}

/** What decides which operations a step does to a variable. */
export interface Situation {
  /** Whether the step has a gradient for it. */
  readonly given: boolean;
  readonly phase: 'accumulate' | 'update';
  /** Whether any variable that does not overwrite was given. */
  readonly ordinary: boolean;
  /** Whether weight decay touches it. */
  readonly decays: boolean;
  /** Whether its gradient replaces its value. */
  readonly overwrites: boolean;
  /** Whether, after averaging, it becomes its average. */
  readonly overwriteByAverage: boolean;
}

/** Tensors and numbers of a step by name. */
export type Named<T> = Readonly<Record<string, T>>;

const named = <T>(values: Named<T>, name: string): T => values[name] as T;

/** The gradient of an update before it is clipped: `(gradient / lossScale + accumulator) / accumulationSteps`. */
function meanGradient<T>(
  o: Ops<T>,
  options: StepOptions,
  { phase }: Situation,
  tensors: Named<T>,
  scalars: Named<T>,
): T {
  let g = named(tensors, 'gradient');
  if (options.unscale) g = o.div(g, named(scalars, 'lossScale'));
  if (options.accumulates && phase === 'update') {
    g = o.div(o.add(g, named(tensors, 'gradient_accumulator')), named(scalars, 'accumulationSteps'));
  }
  return g;
}

function clipped<T>(o: Ops<T>, clip: Clip, g: T, scalars: Named<T>): { readonly g: T; readonly norms: readonly T[] } {
  const limit = named(scalars, 'clipLimit');
  switch (clip) {
    case 'value':
      return { g: o.min(o.max(g, o.neg(limit)), limit), norms: [] };
    case 'norm': {
      const norm = o.sqrt(o.sum(o.mul(g, g)));
      return { g: o.div(o.mul(g, limit), o.max(norm, limit)), norms: [norm] };
    }
    case 'global-norm':
      return { g: o.scale(g, named(scalars, 'clipFactor')), norms: [] };
    default:
      return { g, norms: [] };
  }
}

/** An overwriting variable becomes its gradient; with accumulation, the largest of 0 and the gradients of the micro-batches. */
function overwrite<T>(
  o: Ops<T>,
  { accumulates }: StepOptions,
  { given, phase, ordinary }: Situation,
  tensors: Named<T>,
): KernelOutputs<T> {
  const updates = phase === 'update';
  if (!given) {
    // accumulators are reset with all others, in steps that update ordinary variables
    const resets = accumulates && updates && ordinary;
    return { assignments: resets ? { gradient_accumulator: o.constant(0) } : {} };
  }
  if (!accumulates) return { assignments: { variable: named(tensors, 'gradient') } };
  const largest = o.max(named(tensors, 'gradient'), named(tensors, 'gradient_accumulator'));
  return {
    assignments: updates
      ? { variable: largest, gradient_accumulator: o.constant(0) }
      : { gradient_accumulator: largest },
  };
}

/** The options of a rule that decide what is done: all but the scalars. */
export function structureOf({ scalars = [] }: Pick<AnyRule, 'scalars'>, config: object): object {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !(scalars as readonly string[]).includes(name)));
}

/** Hands a rule what is its own. */
export function applyRule<T>(
  o: Ops<T>,
  { rule, config, slots }: Pick<StepOptions, 'rule' | 'config' | 'slots'>,
  tensors: Named<T>,
  scalars: Named<T>,
): Named<T> & Readonly<Record<'x', T>> {
  const pick = (values: Named<T>, names: readonly string[]): Record<string, T> =>
    Object.fromEntries(names.map((name) => [name, named(values, name)]));
  return rule.update(
    o,
    config as never,
    pick(tensors, ['x', 'g', ...slots.map(({ name }) => name)]) as Record<'x' | 'g', T>,
    pick(scalars, [...STEP_SCALARS, ...(rule.scalars ?? [])]) as Record<StepScalar, T>,
  ) as Named<T> & Readonly<Record<'x', T>>;
}

/** Decay, the rule, and what is measured of both. */
function ruled<T>(
  o: Ops<T>,
  options: StepOptions,
  { decays }: Situation,
  unclipped: T,
  tensors: Named<T>,
  scalars: Named<T>,
): KernelOutputs<T> & { readonly x: T } {
  const { clip, measure } = options;
  const before = named(tensors, 'variable');
  const { g, norms } = clipped(o, clip, unclipped, scalars);
  const decayed = decays
    ? o.sub(before, o.mul(o.mul(before, named(scalars, 'weightDecay')), named(scalars, 'learningRate')))
    : before;
  const { x, ...slots } = applyRule(o, options, { ...tensors, x: decayed, g }, scalars);
  const observations: Observation<T>[] = [];
  if (measure.has('gradient-norm')) observations.push({ measure: 'gradient-norm', value: unclipped, minus: null });
  if (measure.has('update-norm')) observations.push({ measure: 'update-norm', value: x, minus: before });
  return { x, assignments: slots, norms, observations };
}

/**
 * Everything that a step does to one variable, in Keras's order: unscale, accumulate, take the mean, clip, decay, the rule, average,
 * overwrite by the average. Constraints are run after it, on the host.
 *
 * @param o - operations of any kind
 * @param tensors - `variable`, `gradient` where given, `gradient_accumulator`, `average`, and the rule's slots
 * @param scalars - `learningRate`, `weightDecay`, `lossScale`, `accumulationSteps`, `clipLimit`, `clipFactor`, `averageMomentum`, and
 * those of the rule
 */
export function updateVariable<T>(
  o: Ops<T>,
  options: StepOptions,
  situation: Situation,
  tensors: Named<T>,
  scalars: Named<T>,
): KernelOutputs<T> {
  if (situation.overwrites) return overwrite(o, options, situation, tensors);
  if (!situation.ordinary) return { assignments: {} };
  const { accumulates, averages } = options;
  const updates = situation.phase === 'update';
  const assignments: Record<string, T> = {};
  let figures: Pick<KernelOutputs<T>, 'norms' | 'observations'> = {};
  let x = named(tensors, 'variable');
  if (situation.given) {
    const g = meanGradient(o, options, situation, tensors, scalars);
    if (updates) {
      const { x: moved, assignments: slots, ...rest } = ruled(o, options, situation, g, tensors, scalars);
      x = moved;
      figures = rest;
      Object.assign(assignments, slots);
    } else assignments.gradient_accumulator = o.add(g, named(tensors, 'gradient_accumulator'));
  }
  if (accumulates && updates) assignments.gradient_accumulator = o.constant(0);
  if (averages) {
    const keep = named(scalars, 'averageMomentum');
    const average = o.add(o.mul(keep, named(tensors, 'average')), o.mul(o.sub(o.constant(1), keep), x));
    assignments.average = average;
    if (situation.overwriteByAverage) x = average;
  }
  assignments.variable = x;
  return { assignments, ...figures };
}

/** The sum of squares of a variable's gradient, of which a norm over all is made. */
export function squaredNorm<T>(
  o: Ops<T>,
  options: StepOptions,
  situation: Situation,
  tensors: Named<T>,
  scalars: Named<T>,
): KernelOutputs<T> {
  const g = meanGradient(o, options, situation, tensors, scalars);
  const squares = o.sum(o.mul(g, g));
  return { assignments: {}, results: [squares], norms: [squares] };
}

/**
 * What gradients are multiplied by under a global norm: `limit * min(1 / norm, 1 / limit) + (norm - norm)`, which is NaN where the norm is
 * not finite.
 *
 * @param squares - a tensor of the sums of squares of all given ordinary variables, in the caller's order
 * @param scalars - `clipLimit`, and `inverseClipLimit`, which is formed in float64 from the limit before that is rounded
 */
export function clipFactor<T>(o: Ops<T>, squares: T, scalars: Named<T>): KernelOutputs<T> {
  const norm = o.sqrt(o.sum(squares));
  const inverse = o.min(o.div(o.constant(1), norm), named(scalars, 'inverseClipLimit'));
  const factor = o.add(o.mul(named(scalars, 'clipLimit'), inverse), o.sub(norm, norm));
  return { assignments: {}, results: [factor], norms: [norm] };
}
