import type { Backend, FloatArray } from '@sgd/core';

// The packages of engines may be missing: the types are `any` then, and never given. Of comments only those of this kind stay in declarations.
// oxlint-disable typescript/ban-ts-comment -- where they are installed there is no error to expect
/** @ts-ignore */
type TfjsBackend = import('@sgd/tfjs').TfjsBackend;
/** @ts-ignore */
type OnnxRuntimeBackend = import('@sgd/onnxruntime').OnnxRuntimeBackend;
/** @ts-ignore */
type GpujsBackend = import('@sgd/gpujs').GpujsBackend<'sync'> | import('@sgd/gpujs').GpujsBackend<'async'>;

/**
 * Where gradients live: `host`, in typed arrays; `tfjs`, in tensors of TensorFlow.js; `onnxruntime`, in tensors of ONNX Runtime; `gpujs`, in
 * textures or arrays of gpu.js.
 */
export type Gradients = 'host' | 'tfjs' | 'onnxruntime' | 'gpujs';

/** A typed array, bare or with a shape and a name: a variable or gradient of the engines for `host`. */
export type HostArray =
  | FloatArray
  | { readonly data: FloatArray; readonly shape: readonly number[]; readonly name?: string | undefined };

/** What is chosen among, by where gradients live. */
export interface Backends {
  /** `@sgd/cpu` or `@sgd/wasm`. */
  host: Backend<HostArray, HostArray, 'sync'>;
  /** `@sgd/tfjs`. */
  tfjs: TfjsBackend;
  /** `@sgd/onnxruntime`. */
  onnxruntime: OnnxRuntimeBackend;
  /** `@sgd/gpujs`, in a mode that is sync or, with WebGPU, async. */
  gpujs: GpujsBackend;
}

/** An engine of which only the contract is known. */
// oxlint-disable-next-line typescript/no-explicit-any -- what it takes is the engine's own matter
export type AnyBackend = Backend<any>;
