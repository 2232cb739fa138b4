import type { Measured, Program } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import type { PlanOptions } from './plan.ts';
import type { Work } from './steps.ts';
import type { VariableWork, WorkContext } from './work.ts';

/** What a reader is made of. */
export interface ReaderSettings<T> {
  readonly program: Program;
  readonly definition: StepDefinition;
  readonly context: WorkContext<T>;
  readonly options: PlanOptions;
  /** Gives a work its kernel, with the numbers of the step. */
  readonly begin: (work: VariableWork<T>, situation: number) => void;
}

/** Takes sums: all that a step must know before it writes, and what is measured. */
export interface Reader<T> {
  /**
   * Gives works their kernels, and reads all that these need. Nothing is written.
   *
   * @returns `false` when a gradient or norm is not finite and the program checks that
   */
  read(works: readonly VariableWork<T>[], situation: number): Work<boolean>;
  /** Forgets what the last step measured. */
  forget(): void;
  /** An updating step begins to write. */
  startMeasuring(): void;
  /** Measures what was made, before it takes its place. */
  measure(work: VariableWork<T>): Work<void>;
  measured(): Work<Measured>;
}
