import type { FloatArray } from '@sgd/core';

// What is used of an `ort` module, in types of our own: those of `onnxruntime-web` need the DOM, and whoever uses `onnxruntime-node`
// need not have it installed.

/** A tensor of ONNX Runtime, of any type and in any place. */
export interface OrtTensor {
  /** The element type, e.g. `"float32"`. */
  readonly type: string;
  /** The shape. */
  readonly dims: readonly number[];
  /** `"cpu"`, `"gpu-buffer"`, … */
  readonly location: string;
  /** Throws where the tensor is not on the CPU. */
  readonly data: unknown;
  /** Throws where the tensor is not in a GPU buffer. */
  readonly gpuBuffer: unknown;
  /** Gives back what holds the values. */
  dispose(): void;
}

/** Tensors by name. */
export type OrtTensors = Readonly<Record<string, OrtTensor>>;

/** A model that ONNX Runtime has loaded. */
export interface OrtSession {
  /** A fetch that is `null` is allocated. */
  run(feeds: OrtTensors, fetches: Readonly<Record<string, OrtTensor | null>>): Promise<OrtTensors>;
  /** Unloads the model. */
  release(): Promise<void>;
}

/** An execution provider: `"cpu"`, `"wasm"`, `"webgpu"`, …, or an object with its name and options. */
export type ExecutionProvider = string | { readonly name: string };

/** A tensor on a GPU buffer that exists. */
export interface GpuTensorOptions {
  /** The element type. */
  readonly dataType: 'float32';
  /** The shape. */
  readonly dims: readonly number[];
  /** Reads the values back; called when they are asked for. */
  readonly download?: () => Promise<never>;
  /** Called when the tensor is disposed of. */
  readonly dispose?: () => void;
}

/** What is asked of a session. */
export interface SessionOptions {
  /** In order of preference. */
  readonly executionProviders?: readonly ExecutionProvider[];
  /** Errors only. */
  readonly logSeverityLevel?: 3;
  /** By output: where its tensor is to be. */
  readonly preferredOutputLocation?: Readonly<Record<string, 'cpu' | 'gpu-buffer'>>;
}

/** The module `onnxruntime-web`, by any of its entries, or `onnxruntime-node`. */
export interface Ort {
  /** Its class of tensors. */
  readonly Tensor: {
    new (type: 'float32' | 'float64', data: FloatArray, dims: readonly number[]): OrtTensor;
    /** A tensor on a GPU buffer that exists; only in builds with WebGPU. */
    fromGpuBuffer?(buffer: unknown, options: GpuTensorOptions): OrtTensor;
  };
  /** Its class of loaded models. */
  readonly InferenceSession: {
    /** Loads a model. */
    create(model: Uint8Array, options?: SessionOptions): Promise<OrtSession>;
  };
  /** Its settings, which hold the device of WebGPU. */
  readonly env: object;
}
