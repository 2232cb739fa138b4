import type { SelectionReport } from '../src/index.ts';
import type { Given } from './page.ts';

/** A browser with the page to time in. */
export interface Bench {
  readonly version: string;
  /** Who draws for WebGL. */
  renderer(): Promise<string>;
  /** Opens the page for some work; `time` gives the report of `@sgd/auto` that has timed what it is given. */
  visit<T>(work: (time: (given: Given) => Promise<SelectionReport>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Builds the page, serves it, and starts Chromium. */
export function openBench(executablePath?: string): Promise<Bench>;
