import { type Backend, type Extras, LossScaleOptimizer, SGD } from '@sgd/core';
import type { OptimizerPlan } from '../settings/plan.ts';
import { makeSchedule } from '../settings/schedules.ts';

/** A backend of which only the contract is known. */
export type AnyBackend = Backend<unknown>;

/** SGD, or SGD with a dynamic loss scale around it. */
export type AnyOptimizer = SGD<unknown> | LossScaleOptimizer<unknown>;

/**
 * Makes the optimizer of a plan; it measures the norm of its updates where the backend can.
 *
 * @throws SgdError when an option does not fit, or the backend does not have what it needs
 */
export function makeOptimizer(
  { schedule, options, extras, excluded, lossScale }: OptimizerPlan,
  backend: AnyBackend,
  onWarning: NonNullable<Extras['onWarning']>,
): AnyOptimizer {
  const learningRate = schedule ? makeSchedule(schedule) : options.learningRate;
  const measure: Extras['measure'] = backend.supports.has('measure') ? ['update-norm'] : [];
  const sgd = new SGD({ ...options, learningRate }, backend, { ...extras, measure, onWarning });
  if (excluded.length > 0) sgd.excludeFromWeightDecay({ names: excluded });
  return lossScale ? new LossScaleOptimizer(sgd, lossScale) : sgd;
}

/** What failed, with the causes behind it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : reasonOf(error.cause);
  return cause === '' || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`;
}
