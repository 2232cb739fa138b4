import type { RunName } from '../training/messages.ts';
import { Chart, type Line } from './chart.ts';
import { compact, percent, short, whole } from './format.ts';
import { means, type Points, type RunHistory, TrainingHistory } from './history.ts';

/** The curves of a training, drawn at most so often: each drawing must leave the page room to answer. */
export class Charts {
  readonly #loss = new Chart({ title: 'Loss', format: short });
  readonly #accuracy = new Chart({
    title: 'Test accuracy',
    format: percent,
    tick: (share) => `${short(100 * share)} %`,
  });
  readonly #rate = new Chart({ title: 'Learning rate', format: short });
  readonly #norm = new Chart({ title: 'Update norm', format: short });
  readonly #ulp = new Chart({
    title: 'Largest difference in ulp',
    format: whole,
    tick: compact,
    logarithmic: true,
    height: 140,
  });
  readonly #all = [this.#loss, this.#accuracy, this.#rate, this.#norm];
  #history: TrainingHistory = new TrainingHistory(1);

  /** `difference`: where the curve of the difference goes. */
  constructor(holder: HTMLElement, difference: HTMLElement) {
    holder.append(...this.#all.map(({ element }) => element));
    difference.append(this.#ulp.element);
    const again = (): void => this.draw(this.#history);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
    new ResizeObserver(again).observe(holder);
  }

  draw(history: TrainingHistory): void {
    this.#history = history;
    const { steps } = history;
    const per = (key: 'loss' | 'learningRate' | 'updateNorm') => (run: RunHistory) => means(run[key], steps);
    const tests = (of: 'accuracy' | 'averaged') => (run: RunHistory) =>
      run.tests.flatMap(({ step, [of]: share }): Points => (share === null ? [] : [[step, share]]));
    const averaged = linesOf(history, tests('averaged')).filter(({ points }) => points.length > 0);
    const accuracy = [...linesOf(history, tests('accuracy')), ...averaged.map(averagedLine)];
    const differences = history.differences.flatMap(({ step, maxUlp }): Points => (maxUlp ? [[step, maxUlp]] : []));
    // each in a task of its own, so that none is long
    const jobs: readonly (readonly [Chart, Line[]])[] = [
      [this.#loss, linesOf(history, per('loss'))],
      [this.#accuracy, accuracy],
      [this.#rate, linesOf(history, per('learningRate'))],
      [this.#norm, linesOf(history, per('updateNorm'))],
      [this.#ulp, [{ label: '', run: 'a', points: differences }]],
    ];
    for (const [chart, lines] of jobs) setTimeout(() => chart.draw(lines, steps));
  }
}

const averagedLine = (line: Line): Line => ({ ...line, label: `${line.label} averaged`.trim(), dashed: true });

function linesOf({ runs: all }: TrainingHistory, points: (run: RunHistory) => Points): Line[] {
  const runs: [RunName, RunHistory | null][] = all.size > 0 ? [...all] : [['a', null]];
  return runs.map(([run, its]) => ({
    label: runs.length > 1 ? run.toUpperCase() : '',
    run,
    points: its ? points(its) : [],
  }));
}
