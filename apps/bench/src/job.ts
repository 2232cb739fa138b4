import type { Effort } from './timing.ts';

/** Something to be measured, by its name. An abort ends it early, with an error. */
export interface Job<T> {
  readonly name: string;
  readonly run: (effort: Effort, signal?: AbortSignal) => Promise<T>;
}
