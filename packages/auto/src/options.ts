import { checkOptions } from '@sgd/core';
import type { Backends, Gradients } from './backends.ts';
import type { Given } from './candidate.ts';
import type { Environment } from './environment.ts';
import type { SelectionReport } from './report.ts';
import type { Workload } from './workload.ts';

/** An `AbortSignal`, in types that need neither the DOM's nor Node's. */
export interface Signal {
  /** Whether it was aborted. */
  readonly aborted: boolean;
  /** Why, as the one who aborted gave it. */
  readonly reason: unknown;
  /** Throws `reason`, once it was aborted. */
  throwIfAborted(): void;
  /** Calls the listener when it is aborted. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Forgets the listener. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** What {@link selectFrom} takes. */
export interface SelectOptions<G extends Gradients = Gradients> extends Given {
  /** Where gradients live: this decides first, since to move them at each step costs more than an engine saves. Default `host`. */
  readonly gradients?: G | undefined;
  /** Names, best first: one of these is chosen if it runs, whatever the figures say. `onnxruntime` stands for all of its variants. */
  readonly prefer?: string | readonly string[] | undefined;
  /** A name: this one or an error. */
  readonly require?: string | undefined;
  /** What will be trained; default: 100,000 elements in one variable, momentum. */
  readonly workload?: Workload | undefined;
  /**
   * Whether to time steps of the workload on each that runs, and take the fastest. They take turns until it is clear which that is: each for about
   * half of `milliseconds` (default 250) where it is clear at once, twice as long where some are close, up to four times where these are still being
   * compiled, and up to eight times, but for at least two steps, where steps are slow. The figure of each is the mean of its fastest third of samples.
   */
  readonly benchmark?: boolean | { readonly milliseconds: number } | undefined;
  /** How long a candidate may take to start, in milliseconds; default 20,000. */
  readonly timeout?: number | undefined;
  /** Ends the search: the promise rejects with its reason. */
  readonly signal?: Signal | undefined;
  /** Called with a line of what is being done. */
  readonly onProgress?: ((what: string) => void) | undefined;
  /** Another environment than this one. */
  readonly environment?: Environment | undefined;
}

const OPTIONS = [
  'tf',
  'ort',
  'gpu',
  'gradients',
  'prefer',
  'require',
  'workload',
  'benchmark',
  'timeout',
  'signal',
  'onProgress',
  'environment',
] as const satisfies (keyof SelectOptions)[];

/** Throws for an option that nobody knows. */
export function wantOptions(options: SelectOptions): void {
  checkOptions(options, OPTIONS, 'selectBackend');
  const { benchmark } = options;
  if (typeof benchmark === 'object') checkOptions(benchmark, ['milliseconds'], 'benchmark');
}

/** An engine, and why it is this one. */
export interface BackendSelection<G extends Gradients> {
  /** The engine, which took a step here. */
  readonly backend: Backends[G];
  /** What was found of all candidates. */
  readonly report: SelectionReport;
}
