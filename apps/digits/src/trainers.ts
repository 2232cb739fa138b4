import { loadBackend } from './backend.ts';
import type { Options } from './options.ts';
import { SgdTrainer } from './sgd-trainer.ts';
import { checkMomentum, TF_MOMENTUM, TfTrainer } from './tf-trainer.ts';
import type { Trainer } from './trainer.ts';

/** Makes a trainer for so many batches. */
export type CreateTrainer = (steps: number, warn: (message: string) => void) => Promise<Trainer>;

/**
 * What trains under this label: an optimizer of `@sgd/core` on the backend that it names, or TensorFlow.js's own.
 *
 * @throws UsageError when there is no such backend, or the options are more than TensorFlow.js's optimizer has
 */
export async function trainerOf(label: string, options: Options): Promise<CreateTrainer> {
  if (label === TF_MOMENTUM) {
    checkMomentum(options);
    return () => Promise.resolve(new TfTrainer(options));
  }
  const backend = await loadBackend(label);
  return (steps, warn) => SgdTrainer.create(label, backend, options, steps, warn);
}
