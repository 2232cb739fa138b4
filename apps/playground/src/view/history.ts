import type { Difference } from '@sgd/digits';
import type { Progress, RunName, RunProgress, TestPoint } from '../training/messages.ts';

/** All that a run went through, one value for each step. */
export interface RunHistory {
  readonly loss: number[];
  readonly learningRate: number[];
  /** NaN where there is none. */
  readonly updateNorm: number[];
  readonly tests: TestPoint[];
  /** What it said last. */
  last: RunProgress;
}

/** Points of a line. */
export type Points = readonly (readonly [step: number, value: number])[];

/** A training as the page has heard of it. */
export class TrainingHistory {
  readonly steps: number;
  readonly runs = new Map<RunName, RunHistory>();
  /** The last message. */
  progress: Progress | null = null;
  readonly differences: (Difference & { readonly step: number })[] = [];

  /** `steps`: how many there will be. */
  constructor(steps: number) {
    this.steps = steps;
  }

  add(progress: Progress): void {
    this.progress = progress;
    for (const run of progress.runs) {
      const history = this.runs.get(run.name) ?? { loss: [], learningRate: [], updateNorm: [], tests: [], last: run };
      this.runs.set(run.name, history);
      for (const key of ['loss', 'learningRate', 'updateNorm'] as const) history[key].push(...run[key]);
      history.tests.push(...run.tests);
      history.last = run;
    }
    if (progress.difference) this.differences.push({ ...progress.difference, step: progress.step });
  }
}

/** Means over stretches of steps, each at its last step, so that `steps` give `most` points at most. What is not finite leaves a gap. */
export function means(values: readonly number[], steps: number, most = 240): Points {
  const width = Math.max(1, Math.ceil(steps / most));
  const points: [number, number][] = [];
  for (let from = 0; from < values.length; from += width) {
    let sum = 0;
    let count = 0;
    const to = Math.min(from + width, values.length);
    for (let i = from; i < to; i++) {
      if (!Number.isFinite(values[i])) continue;
      sum += values[i]!;
      count++;
    }
    if (count > 0) points.push([to, sum / count]);
  }
  return points;
}
