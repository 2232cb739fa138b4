import { selectBackend } from '@sgd/auto';
import { type AnyBackend, loadBackend } from './backend.ts';
import type { Options } from './options.ts';
import { SgdTrainer } from './sgd-trainer.ts';
import { checkMomentum, TF_MOMENTUM, TfTrainer } from './tf-trainer.ts';
import type { Trainer } from './trainer.ts';
import { weightShapes } from './weights.ts';

/** The label of whatever is fastest here. */
const AUTO = 'auto';

/** Makes a trainer for so many batches. */
export type CreateTrainer = (steps: number, warn: (message: string) => void) => Promise<Trainer>;

/** What trains, and its name. */
export interface Choice {
  readonly label: string;
  readonly create: CreateTrainer;
  /** Why it was chosen, in one line; `null`: it was asked for. */
  readonly reason: string | null;
}

/**
 * What trains under this label: an optimizer of `@sgd/core` on the backend that it names, or TensorFlow.js's own; with `auto` on the
 * fastest backend for the shapes of the model.
 *
 * @throws UsageError when there is no such backend, or the options are more than TensorFlow.js's optimizer has
 */
export async function trainerOf(label: string, options: Options): Promise<Choice> {
  if (label === TF_MOMENTUM) {
    checkMomentum(options);
    return { label, create: () => Promise.resolve(new TfTrainer(options)), reason: null };
  }
  if (label !== AUTO) return choiceOf(label, await loadBackend(label), options, null);
  const shapes = Object.values(weightShapes(options.model));
  const { backend, report } = await selectBackend({ workload: { shapes } });
  return choiceOf(report.chosen!, backend, options, report.reason);
}

const choiceOf = (label: string, backend: AnyBackend, options: Options, reason: string | null): Choice => ({
  label,
  create: (steps, warn) => SgdTrainer.create(label, backend, options, steps, warn),
  reason,
});
