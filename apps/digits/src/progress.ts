import { MultiBar } from 'cli-progress';
import { duration, percent, short, whole } from './format.ts';
import type { EpochResult, Listener, Progress } from './train.ts';

/** Where progress goes: a terminal, or anything that takes text. */
export type Target = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** Tells how the training goes, until `stop`. */
export interface Reporter extends Pick<Listener, 'step' | 'epoch'> {
  /** A line of its own. */
  note(text: string): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere one plain line for each epoch. */
export function createReporter(target: Target, labels: readonly string[]): Reporter {
  return target.isTTY ? new Bar(target, labels) : new Lines(target, labels);
}

/** Says nothing. */
export const silent: Reporter = { step() {}, epoch() {}, note() {}, stop() {} };

class Lines implements Reporter {
  readonly #target: Target;
  readonly #labels: readonly string[];

  constructor(target: Target, labels: readonly string[]) {
    this.#target = target;
    this.#labels = labels;
  }

  step(): void {}

  epoch(progress: Progress, results: readonly EpochResult[]): void {
    const pace = `${whole(progress.digitsPerSecond)} digits/s, ${duration(progress.secondsLeft)} left`;
    this.note(`${epochText(progress, results, this.#labels)}, ${pace}`);
  }

  note(text: string): void {
    this.#target.write(`${text}\n`);
  }

  stop(): void {}
}

class Bar implements Reporter {
  readonly #bars: MultiBar;
  readonly #bar: ReturnType<MultiBar['create']>;
  readonly #labels: readonly string[];
  #stopped = false;

  constructor(target: Target, labels: readonly string[]) {
    this.#labels = labels;
    this.#bars = new MultiBar({
      stream: target as NodeJS.WriteStream,
      format:
        '{epoch} {bar} {percentage} % | loss {loss} | accuracy {accuracy} | rate {rate} | {pace} digits/s | {left} left',
      barsize: Math.max(8, Math.min(30, (target.columns ?? 80) - 92)),
      barCompleteChar: '█',
      barIncompleteChar: '░',
      fps: 10,
      clearOnComplete: true,
      stopOnComplete: false,
      emptyOnZero: true,
      gracefulExit: false, // Ctrl-C is the app's
    });
    this.#bar = this.#bars.create(1, 0, { epoch: '', loss: '-', accuracy: '-', rate: '-', pace: '-', left: '-' });
  }

  step(progress: Progress): void {
    this.#bar.setTotal(progress.total);
    this.#bar.update(progress.done, {
      epoch: `epoch ${progress.epoch}/${progress.epochs}`,
      loss: short(progress.loss),
      accuracy: percent(progress.accuracy),
      rate: short(progress.learningRate),
      pace: whole(progress.digitsPerSecond),
      left: duration(progress.secondsLeft),
    });
  }

  epoch(progress: Progress, results: readonly EpochResult[]): void {
    this.note(epochText(progress, results, this.#labels));
  }

  note(text: string): void {
    this.#bars.log(`${text}\n`);
    this.#bars.update();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#bars.stop();
  }
}

function epochText(
  { epoch, epochs, learningRate }: Progress,
  results: readonly EpochResult[],
  labels: readonly string[],
): string {
  const each = results.map(({ loss, accuracy, testAccuracy, averagedTestAccuracy }, i) => {
    const averaged = averagedTestAccuracy === null ? '' : ` (averaged ${percent(averagedTestAccuracy)})`;
    const label = results.length > 1 ? `${labels[i]}: ` : '';
    return `${label}loss ${short(loss)}, accuracy ${percent(accuracy)}, test ${percent(testAccuracy)}${averaged}`;
  });
  return `epoch ${epoch}/${epochs}: ${each.join('; ')}, learning rate ${short(learningRate)}`;
}
