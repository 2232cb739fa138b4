import type { OptionSet } from './options.ts';

/** One that takes steps. A file in `contenders/` each; the list is in `contenders.ts`. */
export interface Contender {
  readonly name: string;
  /** A function that takes one step over the values, which it may change. */
  start(set: OptionSet, values: Float32Array, gradient: Float32Array): () => void;
}
