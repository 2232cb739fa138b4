import type { Backend, Feature } from '@sgd/core';
import { type Engine, enqueue } from './engine.ts';
import { openHost } from './host.ts';
import type { ExecutionProvider, Ort } from './ort.ts';
import { came, copyOf, describe, fits, onGpu, type OnnxTensor } from './tensor.ts';

const ALWAYS =
  'momentum nesterov weight-decay accumulation average finite-check clip-value clip-norm clip-global-norm groups measure overwrite';
const ON_HOST = ' constraint float64';

/** What {@link onnxruntime} takes. */
export interface OnnxRuntimeOptions {
  /** Your own module: `onnxruntime-web`, by any of its entries, or `onnxruntime-node`. */
  readonly ort: Ort;
  /** As for `InferenceSession.create`; left out, what the module chooses. */
  readonly executionProviders?: readonly ExecutionProvider[];
}

/** {@link onnxruntime} as an engine of the optimizer. */
export interface OnnxRuntimeBackend extends Backend<OnnxTensor, OnnxTensor, 'async'> {
  /**
   * Runs a job of yours, such as a run of a model, in the queue of this `ort` module: after all that was asked for before, and before all that
   * is asked for afterwards. On WebGPU every run of yours must go through it, as two at a time never end.
   */
  enqueue<T>(job: () => T | Promise<T>): Promise<T>;
}

export function onnxruntime({ ort, executionProviders }: OnnxRuntimeOptions): OnnxRuntimeBackend {
  const engine: Engine = { ort, options: executionProviders ? { executionProviders } : {}, loaded: new Map() };
  return {
    contract: 1,
    name: 'onnxruntime',
    mode: 'async',
    supports: new Set((ALWAYS + ON_HOST).split(' ') as Feature[]),
    tolerance: { rtol: 2 ** -52, atol: 0 },
    variable: copyOf,
    gradient: copyOf,
    free(value) {
      if (onGpu(value)) value.dispose();
    },
    describe,
    refuses: (gradient, index, program) => (fits(gradient, program.variables[index]!) ? null : came(gradient)),
    open: (program, variables) => enqueue(ort, () => openHost(engine, program, variables)),
    enqueue: (job) => enqueue(ort, job),
  };
}
