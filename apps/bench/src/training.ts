import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runProgram } from './child.ts';
import type { Job } from './job.ts';

/** What a training step with one optimizer takes: medians over the steps, in milliseconds. */
export interface TrainingRow {
  readonly optimizer: string;
  /** The other one, with which it took turns. */
  readonly beside: string;
  /** The loss and its gradients. */
  readonly gradients: number;
  /** Gradients from TensorFlow.js to the optimizer's engine, weights back; 0 where the engine takes the tensors themselves. */
  readonly copies: number;
  /** The optimizer's call. */
  readonly step: number;
  readonly whole: number;
  /** How many times as fast the whole is as with the other. */
  readonly speed: number;
  /** The call's share of the whole. */
  readonly share: number;
  readonly steps: number;
}

/** What `apps/digits` prints, as far as it matters here. */
interface Printed {
  readonly compare: {
    readonly results: readonly {
      readonly backend: string;
      readonly steps: number;
      readonly medianMilliseconds: Readonly<Record<'gradients' | 'optimizer' | 'copies' | 'whole', number>>;
    }[];
  };
}

/** Backends that are trained with, each beside TensorFlow.js's own optimizer in its place. */
export const TRAINED: readonly string[] = ['tfjs:wasm', 'wasm', 'cpu'];
const PEER = 'tf.train.momentum';

/** Both with momentum alone, and nothing else taken: that is what the peer can do. */
const FLAGS = ['--no-nesterov', '--no-weight-decay', '--no-schedule', '--no-gradient-norm', '--learning-rate=0.01'];
const OUTPUT = ['--no-report', '--quiet', '--json'];
const EPOCHS = { full: 3, quick: 1 };
/** With this many samples or more, a run is no quick one. */
const FULL_SAMPLES = 20;

/** Trains `apps/digits` in a process of its own: two optimizers on the same batches, taking turns step by step. */
export function trainingJob(backend: string): Job<TrainingRow[]> {
  return {
    name: `training ${backend}`,
    async run({ samples }, signal) {
      const epochs = samples < FULL_SAMPLES ? EPOCHS.quick : EPOCHS.full;
      const argv = [`--compare=${backend},${PEER}`, `--epochs=${epochs}`, ...FLAGS, ...OUTPUT];
      const manifest = createRequire(import.meta.url).resolve('@sgd/digits/package.json');
      const printed = await runProgram(join(dirname(manifest), 'dist', 'main.js'), argv, signal);
      const { results } = (JSON.parse(printed) as Printed).compare;
      return results.map(({ backend: optimizer, steps, medianMilliseconds }, i) => {
        const { gradients, optimizer: step, copies, whole } = medianMilliseconds;
        const other = results[1 - i]!;
        const speed = other.medianMilliseconds.whole / whole;
        return {
          optimizer,
          beside: other.backend,
          gradients,
          copies,
          step,
          whole,
          speed,
          share: step / whole,
          steps,
        };
      });
    },
  };
}
