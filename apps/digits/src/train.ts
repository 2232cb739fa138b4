import { setImmediate } from 'node:timers/promises';
import { type Batch, type Digits, epochs, gather } from './batches.ts';
import type { Options } from './options.ts';
import type { StepResult, TestSet, Trainer } from './trainer.ts';

/** How far the training is. Loss and accuracy are means over this epoch so far, of the first backend. */
export interface Progress {
  readonly epoch: number;
  readonly epochs: number;
  /** Training digits seen, of all epochs. */
  readonly done: number;
  readonly total: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly learningRate: number;
  readonly digitsPerSecond: number;
  readonly secondsLeft: number;
}

/** One epoch of one trainer. */
export interface EpochResult {
  /** Means over the training digits, each with the weights of its step. */
  readonly loss: number;
  readonly accuracy: number;
  /** On the test digits, after the epoch. */
  readonly testAccuracy: number;
  /** The same on the averaged weights; `null` without averages. */
  readonly averagedTestAccuracy: number | null;
  /** Steps since the start of the training. */
  readonly steps: number;
}

/** What a trainer went through. Loss and accuracy of a step are means over its batch. */
export interface History {
  readonly steps: readonly { loss: number; accuracy: number; learningRate: number; gradientNorm: number | null }[];
  readonly epochs: readonly EpochResult[];
}

/** What to tell while training. */
export interface Listener {
  step(progress: Progress): void;
  epoch(progress: Progress, results: readonly EpochResult[]): void;
  /** After each step, when every trainer has taken it. */
  compared?(step: number): void;
}

/** A history of each trainer, and how it went. */
export interface Outcome {
  readonly histories: readonly History[];
  readonly interrupted: boolean;
  /** Seconds from the first batch to the last evaluation. */
  readonly seconds: number;
}

/** Batches in a whole training. */
export function stepCount({ limit, batch, epochs: count }: Options): number {
  return Math.ceil(limit / batch) * count;
}

/**
 * Trains all trainers on the same batches of the training digits, until done or `stop()`; they take turns at being the first. An epoch cut
 * short counts with what it has.
 */
export async function train(
  options: Options,
  trainers: readonly Trainer[],
  digits: Digits,
  training: Int32Array,
  test: TestSet,
  listener: Listener,
  stop: () => boolean,
): Promise<Outcome> {
  const recorders = trainers.map((trainer) => new Recorder(trainer));
  // who comes first finds colder caches: taking turns at that, none is slower for its place
  let [turns, reversed] = [recorders, recorders.toReversed()];
  const clock = new Clock(training.length, options.epochs);
  let epoch = 0;
  for (const order of epochs(training, options.seed, options.epochs)) {
    epoch++;
    for (let from = 0; from < order.length && !stop(); from += options.batch) {
      const batch = gather(digits, order.subarray(from, from + options.batch));
      for (const recorder of turns) await recorder.step(batch);
      [turns, reversed] = [reversed, turns];
      clock.count(batch.labels.length);
      listener.compared?.(trainers[0]?.steps ?? 0);
      listener.step(clock.progress(epoch, recorders[0] as Recorder));
      await setImmediate(); // lets signals and the progress bar have their turn
    }
    const results = [];
    for (const recorder of recorders) if (recorder.seen > 0) results.push(await recorder.closeEpoch(test));
    if (results.length > 0) listener.epoch(clock.progress(epoch, recorders[0] as Recorder), results);
    for (const recorder of recorders) recorder.reset();
    if (stop()) break;
  }
  return { histories: recorders, interrupted: stop(), seconds: clock.seconds() };
}

/** Steps and epochs of one trainer, with the sums of the current epoch. */
class Recorder implements History {
  readonly steps: { loss: number; accuracy: number; learningRate: number; gradientNorm: number | null }[] = [];
  readonly epochs: EpochResult[] = [];
  seen = 0;
  #loss = 0;
  #correct = 0;
  readonly #trainer: Trainer;

  constructor(trainer: Trainer) {
    this.#trainer = trainer;
  }

  get loss(): number {
    return this.#loss / this.seen;
  }

  get accuracy(): number {
    return this.#correct / this.seen;
  }

  get learningRate(): number {
    return this.steps.at(-1)?.learningRate ?? Number.NaN;
  }

  async step(batch: Batch): Promise<void> {
    const { loss, correct, learningRate, gradientNorm }: StepResult = await this.#trainer.step(batch);
    const count = batch.labels.length;
    this.seen += count;
    this.#loss += loss * count;
    this.#correct += correct;
    this.steps.push({ loss, accuracy: correct / count, learningRate, gradientNorm });
  }

  async closeEpoch(test: TestSet): Promise<EpochResult> {
    const result = {
      loss: this.loss,
      accuracy: this.accuracy,
      testAccuracy: this.#trainer.accuracy(test),
      averagedTestAccuracy: await this.#trainer.averagedAccuracy(test),
      steps: this.#trainer.steps,
    };
    this.epochs.push(result);
    return result;
  }

  reset(): void {
    this.seen = 0;
    this.#loss = 0;
    this.#correct = 0;
  }
}

class Clock {
  readonly #started = performance.now();
  readonly #epochs: number;
  readonly #total: number;
  #done = 0;

  constructor(digits: number, count: number) {
    this.#epochs = count;
    this.#total = digits * count;
  }

  count(digits: number): void {
    this.#done += digits;
  }

  seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  progress(epoch: number, { loss, accuracy, learningRate }: Recorder): Progress {
    const digitsPerSecond = this.#done / this.seconds();
    return {
      epoch,
      epochs: this.#epochs,
      done: this.#done,
      total: this.#total,
      loss,
      accuracy,
      learningRate,
      digitsPerSecond,
      secondsLeft: (this.#total - this.#done) / digitsPerSecond,
    };
  }
}
