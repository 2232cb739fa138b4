import type { RunName, RunProgress, TestPoint } from './messages.ts';
import type { Float32Values } from './network.ts';
import type { Run, StepResult } from './run.ts';

/** A run with its name, and what it did since the last message. */
export class Recorder {
  readonly name: RunName;
  readonly backend: string;
  readonly run: Run;
  steps = 0;
  #loss: number[] = [];
  #learningRate: number[] = [];
  #updateNorm: number[] = [];
  #tests: TestPoint[] = [];
  #epochLoss = 0;
  #epochSteps = 0;

  constructor(name: RunName, backend: string, run: Run) {
    this.name = name;
    this.backend = backend;
    this.run = run;
  }

  step({ loss, learningRate, updateNorm }: StepResult): void {
    this.steps++;
    this.#loss.push(loss);
    this.#learningRate.push(learningRate);
    this.#updateNorm.push(updateNorm ?? Number.NaN);
    this.#epochLoss += loss;
    this.#epochSteps++;
  }

  /** `epoch`: the one that ends here, if one does. */
  test(accuracy: number, averaged: number | null, epoch: number | null): void {
    this.#tests.push({ step: this.steps, accuracy, averaged, epoch, loss: this.#epochLoss / this.#epochSteps });
    if (epoch === null) return;
    this.#epochLoss = 0;
    this.#epochSteps = 0;
  }

  /** What there is to tell; the next time only what came since. */
  take(ended: boolean): RunProgress {
    const { run, steps } = this;
    const { gradients, optimizer } = run.milliseconds;
    const progress: RunProgress = {
      name: this.name,
      loss: Float64Array.from(this.#loss),
      learningRate: Float64Array.from(this.#learningRate),
      updateNorm: Float64Array.from(this.#updateNorm),
      tests: this.#tests,
      updates: run.updates,
      dropped: run.dropped,
      dynamicScale: run.dynamicScale,
      milliseconds: { gradients: gradients / steps, optimizer: optimizer / steps },
      fingerprint: ended ? fingerprint(run.weights) : null,
    };
    this.#loss = [];
    this.#learningRate = [];
    this.#updateNorm = [];
    this.#tests = [];
    return progress;
  }
}

/** FNV-1a over the bits of all weights, in eight hexadecimal digits: the same weights have the same one. */
function fingerprint(weights: Float32Values): string {
  let hash = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of Object.values(weights)) {
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
