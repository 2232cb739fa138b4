import type { SelectionReport } from '@sgd/auto';
import type { Difference } from '@sgd/digits';
import type { TrainingSettings } from '../settings/model.ts';
import type { OptimizerPlan } from '../settings/plan.ts';
import type { BackendReport } from './backends.ts';

export type RunName = 'a' | 'b';

/** A training of one or two runs on the same batches. */
export interface Job {
  readonly training: TrainingSettings;
  readonly runs: readonly { readonly name: RunName; readonly backend: string; readonly plan: OptimizerPlan }[];
}

/** What the page asks of the worker. */
export type Request =
  | { readonly type: 'train'; readonly job: Job }
  | { readonly type: 'pause' | 'resume' | 'stop' }
  /** Forget what was trained, and show the first weights. */
  | { readonly type: 'reset'; readonly training: TrainingSettings }
  /** Recognise this drawing from now on, 784 values from 0 to 1; `null`: none. */
  | { readonly type: 'look'; readonly pixels: Float32Array | null }
  /** Send a test digit of the seed: the one after the one before. */
  | { readonly type: 'digit'; readonly seed: number; readonly number: number }
  /** Choose a backend for the model. */
  | { readonly type: 'choose'; readonly training: TrainingSettings }
  /** Try every backend. */
  | { readonly type: 'check' };

/** `starting`: digits and engines are loaded. `ended`: done, stopped or failed. */
export type Phase = 'idle' | 'starting' | 'training' | 'paused' | 'ended';

/** A look at the test digits. */
export interface TestPoint {
  readonly step: number;
  readonly accuracy: number;
  /** On the averages of the weights; `null` where none are kept. */
  readonly averaged: number | null;
  /** Set at the end of an epoch. */
  readonly epoch: number | null;
  /** Mean loss of the epoch so far. */
  readonly loss: number;
}

/** What one run did since the last message, and its figures of now. */
export interface RunProgress {
  readonly name: RunName;
  /** Of the steps since, one value each. */
  readonly loss: Float64Array;
  readonly learningRate: Float64Array;
  /** NaN where there is none. */
  readonly updateNorm: Float64Array;
  readonly tests: readonly TestPoint[];
  readonly updates: number;
  readonly dropped: number;
  readonly dynamicScale: number | null;
  /** Means over all steps. */
  readonly milliseconds: { readonly gradients: number; readonly optimizer: number };
  /** Over the bits of all weights, when the run has ended. */
  readonly fingerprint: string | null;
}

export interface Progress {
  /** Steps taken. */
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly secondsLeft: number;
  readonly runs: readonly RunProgress[];
  /** Of the weights of both runs; `null` with one run. `firstStep`: after which they were not the same; `null`: they still are. */
  readonly difference: (Difference & { readonly firstStep: number | null }) | null;
}

/** The kernel of the first layer of a run: `inputs` x `outputs`. */
export interface FirstLayer {
  readonly name: RunName;
  readonly kernel: Float32Array;
  readonly outputs: number;
}

/** What the worker tells the page. */
export type Message =
  | { readonly type: 'phase'; readonly phase: Phase; readonly stopped: boolean }
  /** A run that could not start or go on; without a name, the training as a whole. */
  | { readonly type: 'failed'; readonly name: RunName | null; readonly reason: string; readonly step: number | null }
  | { readonly type: 'warning'; readonly name: RunName; readonly text: string }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'weights'; readonly layers: readonly FirstLayer[] }
  | {
      readonly type: 'seen';
      readonly runs: readonly { readonly name: RunName; readonly probabilities: Float32Array }[];
    }
  | { readonly type: 'digit'; readonly pixels: Float32Array; readonly label: number; readonly number: number }
  /** What became of one backend. */
  | { readonly type: 'backend'; readonly report: BackendReport }
  /** What is best here, and why. */
  | { readonly type: 'chosen'; readonly report: SelectionReport };
