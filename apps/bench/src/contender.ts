import type { OptionSet } from './options.ts';
import { sizeOf, type Workload } from './workloads.ts';

/** What a contender steps over. */
export interface Task {
  readonly set: OptionSet;
  readonly workload: Workload;
  /** One for each variable, shared by all contenders: not to be changed. */
  readonly gradients: readonly Float32Array[];
  /** New arrays with the values that all contenders start from, the caller's own. */
  readonly variables: () => Float32Array[];
}

/** A contender at work. */
export interface Run {
  /** One step. An asynchronous contender gives a promise, each time; it is awaited. */
  readonly step: () => unknown;
  /** Before each of its turns, not timed: e.g. to select an engine. */
  readonly turn?: () => unknown;
  /** At the end of each turn, timed: waits until the work is done, where `step` does not. */
  readonly settle?: () => Promise<unknown>;
  /** Copies of the variables: tests compare those of all contenders. */
  readonly weights: () => Promise<readonly Float32Array[]>;
  /** Gives back what garbage collection does not. */
  readonly dispose: () => unknown;
}

/** One that takes steps. A file in `contenders/` each; the list is in `contenders.ts`. */
export interface Contender {
  /** `engine` or `engine:variant`; `--only` takes both. */
  readonly name: string;
  /** Whether it has a rule for these options; without this all. */
  readonly takes?: (set: OptionSet) => boolean;
  /** Bytes that it holds while it takes part, about. Gradients that are shared don't count. */
  readonly memory: (set: OptionSet, workload: Workload) => number;
  /** Milliseconds of warming up, at least; without this as little as a quick run gives. */
  readonly warmUp?: number;
  /** Bytes that its engine can hold at all. */
  readonly most?: number;
  /** Whether its engine is not installed, so that it is left out. */
  readonly missing?: () => boolean;
  /** Whether a quick run leaves it out unless it is named. */
  readonly slow?: boolean;
  readonly start: (task: Task) => Run | Promise<Run>;
}

const BLOCK = 65_521;
const block = (seed: number): Float32Array => Float32Array.from({ length: BLOCK }, (_, i) => Math.sin(seed * (i + 1)));

/** Arrays of the shapes of a workload, filled with numbers between -1 and 1. */
function filled({ shapes }: Workload, numbers: Float32Array): Float32Array[] {
  return shapes.map((shape, v) => {
    const array = new Float32Array(sizeOf(shape));
    for (let at = 0, from = (v * 97) % BLOCK; at < array.length; from = 0) {
      const part = numbers.subarray(from, Math.min(BLOCK, from + array.length - at));
      array.set(part, at);
      at += part.length;
    }
    return array;
  });
}

/** The same numbers every time. */
export function createTask(set: OptionSet, workload: Workload): Task {
  const start = block(1.3);
  const { lossScaleFactor } = set.options; // whoever scales the loss has gradients as much larger
  const gradients = filled(
    workload,
    block(2.7).map((value) => (value / 10) * (lossScaleFactor ?? 1)),
  );
  return { set, workload, gradients, variables: () => filled(workload, start) };
}
