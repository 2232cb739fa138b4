import { createHash } from 'node:crypto';
import { compareWeights, type Difference } from './compare.ts';
import { gradientsIn } from './engine.ts';
import type { Values } from './weights.ts';
import type { Options } from './options.ts';
import type { EpochResult, History, Outcome } from './train.ts';
import type { Described, Timing, Trainer } from './trainer.ts';

/** What a trainer reached. */
export interface TrainerResult {
  readonly backend: string;
  /** On the test digits, with the final weights: the averaged ones with EMA. */
  readonly accuracy: number;
  /** The same before the averages replaced the weights; `null` without EMA. */
  readonly accuracyWithoutAverage: number | null;
  /** Mean training loss of each epoch. */
  readonly losses: readonly number[];
  readonly testAccuracies: readonly number[];
  readonly steps: number;
  readonly droppedSteps: number;
  /** Where gradients are computed: TensorFlow.js, on this engine. */
  readonly gradientsIn: string;
  /** Arrays and tensors copied at each step between there and the backend: 0 where the backend takes those tensors. */
  readonly copiesPerStep: number;
  /** Of all steps together. */
  readonly milliseconds: Timing;
  /** Of one step: medians. That of the whole step is no sum of the others. */
  readonly medianMilliseconds: Timing & { readonly whole: number };
  /** The optimizer's share of the time of the training steps, evaluation not counted. */
  readonly optimizerShare: number;
  /** SHA-256 over the bytes of all final weights, in the type in which the backend keeps them. */
  readonly weightsHash: string;
}

/** All that a run gave; with `--json` its last line. */
export interface RunResult extends TrainerResult {
  readonly model: string;
  readonly epochs: number;
  readonly interrupted: boolean;
  readonly seconds: number;
  readonly seed: number;
  readonly options: Options;
  /** The optimizer; one of ours as Keras writes it. */
  readonly optimizer: Described;
  readonly report: string | null;
  readonly compare:
    | ({ readonly results: readonly TrainerResult[]; readonly firstDifferentStep: number | null } & Difference)
    | null;
}

/** Ends a trainer's run: the averages become the weights, and the figures are taken. */
export async function finish(trainer: Trainer, history: History, accuracy: () => number): Promise<TrainerResult> {
  const before = accuracy();
  const averaged = await trainer.finalize();
  const milliseconds = combined(trainer.timings, (values) => values.reduce((sum, value) => sum + value, 0));
  return {
    backend: trainer.label,
    accuracy: averaged ? accuracy() : before,
    accuracyWithoutAverage: averaged ? before : null,
    losses: history.epochs.map(({ loss }) => loss),
    testAccuracies: history.epochs.map(({ testAccuracy }: EpochResult) => testAccuracy),
    steps: trainer.steps,
    droppedSteps: trainer.dropped,
    gradientsIn: gradientsIn(),
    copiesPerStep: trainer.copiesPerStep,
    milliseconds,
    medianMilliseconds: { ...combined(trainer.timings, median), whole: median(trainer.timings.map(wholeOf)) },
    optimizerShare: trainer.steps === 0 ? 0 : milliseconds.optimizer / wholeOf(milliseconds),
    weightsHash: hash(trainer.weights),
  };
}

/** Puts the results of all trainers together; the first one's stand for the run. */
export function runResult(
  options: Options,
  trainers: readonly Trainer[],
  results: readonly TrainerResult[],
  { histories, interrupted, seconds }: Outcome,
  firstDifferentStep: number | null,
  report: string | null,
): RunResult {
  const [trainer, other] = trainers as [Trainer, Trainer?];
  return {
    ...(results[0] as TrainerResult),
    model: options.model,
    epochs: histories[0]?.epochs.length ?? 0,
    interrupted,
    seconds,
    seed: options.seed,
    options,
    optimizer: trainer.describe(),
    report,
    compare: other ? { results, firstDifferentStep, ...compareWeights(trainer.weights, other.weights) } : null,
  };
}

function wholeOf({ gradients, optimizer, copies }: Timing): number {
  return gradients + optimizer + copies;
}

/** One figure of the timings of all steps. */
function combined(timings: readonly Timing[], figure: (values: number[]) => number): Timing {
  const of = (key: keyof Timing): number => figure(timings.map((timing) => timing[key]));
  return { gradients: of('gradients'), optimizer: of('optimizer'), copies: of('copies') };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** SHA-256 of the bytes of all weights, in the order of their paths. */
function hash(weights: Values): string {
  const sum = createHash('sha256');
  for (const data of Object.values(weights)) sum.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return sum.digest('hex');
}
