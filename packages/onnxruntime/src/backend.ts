import { type Backend, checkOptions, type Feature } from '@sgd/core';
import { enqueue, newEngine, type OnnxRuntimeOptions, OPTIONS } from './engine.ts';
import { openHost } from './host.ts';
import { came, copyOf, describe, fits, onGpu, type OnnxTensor } from './tensor.ts';

const ON_GPU: readonly Feature[] = [
  'weight-decay',
  'accumulation',
  'average',
  'finite-check',
  'clip-value',
  'clip-norm',
  'clip-global-norm',
  'groups',
  'measure',
  'sum',
];

/** The shader of `Pow` in ONNX Runtime 1.30 is refused by Chromium. */
const ON_HOST: readonly Feature[] = [...ON_GPU, 'overwrite', 'constraint', 'float64', 'pow'];

/** {@link onnxruntime} as an engine of the optimizer. */
export interface OnnxRuntimeBackend extends Backend<OnnxTensor, OnnxTensor, 'async'> {
  /**
   * Runs a job of yours, such as a run of a model, in the queue of this `ort` module: after all that was asked for before, and before all that
   * is asked for afterwards. On WebGPU every run of yours must go through it, as two at a time never end.
   */
  enqueue<T>(job: () => T | Promise<T>): Promise<T>;
}

/**
 * ONNX Runtime as an engine: each step runs small ONNX models that are made from the optimizer's rule and options, in Keras's order of operations.
 *
 * On the CPU (`onnxruntime-node`, or `onnxruntime-web` in WebAssembly) variables are typed arrays, `{ data, shape, name? }` or `ort.Tensor`s,
 * and change all at once when a step has succeeded; gradients are any of these. All features are supported. The bits are Keras's, except
 * where elements are summed: those sums are formed in float64, which is nearer to the truth than Keras's float32.
 *
 * On WebGPU variables live in GPU buffers: a handle of the optimizer's is an `ort.Tensor` there, always current, to be fed to a model of yours as
 * it is; variables given as arrays are copied, those given as GPU tensors are updated. Gradients are arrays or GPU tensors, which are not read back. Number of
 * dispatches: the same for any number of variables. No constraints, no overwriting variables, no float64, no `pow` of elements; only a finite check,
 * a norm of each gradient, a measure or a read waits for the device.
 *
 * `open` rejects with `SgdError` `SGD_BACKEND`, naming the provider, where ONNX Runtime does not have it, and with `SGD_INVALID_OPTION` when variables
 * overlap in memory. A step rejects, before anything is written, with `SGD_DETACHED` when memory of a variable is gone, with `SGD_GRADIENT_SHAPE` when a
 * gradient lies on memory of a variable, and with `SGD_BACKEND` when the device is lost or a run fails, which changes nothing either.
 *
 * @returns an engine, which any number of optimizers may share
 * @throws SgdError `SGD_INVALID_OPTION` for an unknown option, and for a `device` without the provider `"webgpu"`
 */
export function onnxruntime(options: OnnxRuntimeOptions): OnnxRuntimeBackend {
  checkOptions(options, OPTIONS, 'onnxruntime');
  const engine = newEngine(options);
  const { gpu } = engine;
  const { ort } = options;
  return {
    contract: 2,
    name: 'onnxruntime',
    mode: 'async',
    supports: new Set(gpu ? ON_GPU : ON_HOST),
    tolerance: gpu ? { rtol: 2e-6, atol: 1e-6 } : { rtol: 2 ** -52, atol: 0 },
    variable: copyOf,
    gradient: copyOf,
    free(value) {
      if (onGpu(value)) value.dispose();
    },
    describe(variable) {
      const described = describe(variable);
      if (onGpu(variable) && !gpu) throw new TypeError(`not a variable on the CPU: ${came(variable)}`);
      return described;
    },
    refuses(gradient, index, program) {
      const variable = program.variables[index]!;
      if (fits(gradient, variable) && (gpu || !onGpu(gradient))) return null;
      return came(gradient, variable.dtype === 'float64' ? 'Float64Array' : undefined);
    },
    open: (program, variables) =>
      enqueue(ort, async () => {
        // whoever computes on a CPU need not load what is for GPUs
        const open = gpu ? (await import('./webgpu.ts')).openGpu : openHost;
        return open(engine, program, variables);
      }),
    enqueue: (job) => enqueue(ort, job),
  };
}
