import type { Backends, Gradients } from './backends.ts';
import type { Environment } from './environment.ts';

/** The user's own modules and objects, which gradients come from. */
export interface Given {
  /** Your copy of TensorFlow.js, for gradients of `tfjs`; default: the one that `@sgd/tfjs` finds. */
  readonly tf?: object | undefined;
  /** Your module of ONNX Runtime, for gradients of `onnxruntime`; default: those that are installed are tried. */
  readonly ort?: object | undefined;
  /** Your `GPU` of gpu.js, for gradients of `gpujs`; default: one is made. */
  readonly gpu?: object | undefined;
}

/** What computes: a processor, a GPU, or a program that plays a GPU. */
export type Device = 'cpu' | 'gpu' | 'software';

/** An engine that a candidate made. */
export interface Opened<G extends Gradients> {
  /** The engine. */
  readonly backend: Backends[G];
  /** What computes. */
  readonly device: Device;
  /** What it is, in a few words, for the report. */
  readonly note: string;
  /** Gives back what was made for it, when another one is chosen. */
  readonly release?: () => unknown;
}

/** An engine that may be chosen. Plain values, one in each module, so that a bundle holds those that it names. */
export interface Candidate<G extends Gradients = Gradients> {
  /** As `--backend` of the command lines takes it: `wasm`, `onnxruntime:webgpu`. */
  readonly name: string;
  /** The npm package that it is in. */
  readonly package: string;
  /** Where it takes gradients. */
  readonly gradients: G;
  /**
   * Looks whether it can run here, loads it and makes it.
   *
   * @throws an error whose message says why it can not run, and what would help
   */
  readonly open: (environment: Environment, given: Given) => Promise<Opened<G>>;
}
