import { selectBackend } from '@sgd/auto';
import * as tf from '@tensorflow/tfjs-core';
import { type AnyBackend, loadBackend } from './backend.ts';
import { gradientsIn, startEngine } from './engine.ts';
import type { Options } from './options.ts';
import { SgdTrainer } from './sgd-trainer.ts';
import { checkMomentum, TF_MOMENTUM, TfTrainer } from './tf-trainer.ts';
import type { Trainer } from './trainer.ts';
import { weightShapes } from './weights.ts';

/** The label of whatever takes the gradients where they are. */
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
 * backend that `@sgd/auto` chooses for gradients where these are: in tensors of TensorFlow.js, on the engine that computes them.
 *
 * @throws UsageError when there is no such backend, or the options are more than TensorFlow.js's optimizer has
 */
export async function trainerOf(label: string, options: Options): Promise<Choice> {
  if (label === TF_MOMENTUM) {
    checkMomentum(options);
    return { label, create: () => Promise.resolve(new TfTrainer(options)), reason: null };
  }
  if (label !== AUTO) return choiceOf(label, await loadBackend(label), options, null);
  await startEngine();
  const shapes = Object.values(weightShapes(options.model));
  const { backend, report } = await selectBackend({ gradients: 'tfjs', tf, workload: { shapes } });
  const chosen = report.candidates.find(({ status }) => status === 'chosen')!;
  const reason = `it takes the gradients where they are, so nothing is copied; ${chosen.reason}`;
  return choiceOf(gradientsIn(), backend, options, reason);
}

const choiceOf = (label: string, backend: AnyBackend, options: Options, reason: string | null): Choice => ({
  label,
  create: (steps, warn) => SgdTrainer.create(label, backend, options, steps, warn),
  reason,
});
