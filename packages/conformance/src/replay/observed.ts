import type { FloatArray, SlotState } from '@sgd/core';

/** What is seen after a step, where the recording has an expectation. */
export interface ObservedState {
  readonly learningRateUsed: number;
  readonly learningRate: number;
  readonly iterations: number;
  readonly rawIterations: number;
  readonly variables: readonly FloatArray[];
  /** In build order. */
  readonly slots: readonly SlotState[];
  readonly dynamicScale?: number;
  readonly stepCounter?: number;
  /** Paths of the warning about missing gradients in this step. */
  readonly warned?: readonly string[];
}

/** A case run through the public API. What it computes does not depend on any expectation. */
export interface Observed {
  readonly serialized: unknown;
  /** By index into `steps`. */
  readonly states: ReadonlyMap<number, ObservedState>;
  readonly final: readonly FloatArray[] | null;
  readonly optimizerVariables: readonly unknown[] | null;
  /** Set when the case does what we refuse: where the replay ended, and why that is right. */
  readonly ended: { readonly step: number | 'construction' | 'final'; readonly why: string } | null;
  /** Behaviour that was wrong whatever the numbers are. */
  readonly complaints: readonly { readonly step?: number; readonly field: string; readonly message: string }[];
}
