import type { Shader } from '@sgd/compile';
import type { Tensor, TensorFlow } from '../tf.ts';
import type { Fits } from './device-plan.ts';

/** Numbers on their way to the device; shared by the variables of a group in a step. */
export interface HostNumbers {
  readonly values: Float32Array;
  tensor?: Tensor;
}

/** A run of a program over all elements of a variable. */
export interface Run {
  readonly shader: Shader;
  readonly shape: readonly number[];
  /** What the shader reads, in its order. */
  readonly tensors: readonly Tensor[];
  readonly deviceNumbers: readonly Tensor[];
  readonly hostNumbers: HostNumbers;
  /** Where elements lie as they do in the caller's tensors, outputs shall too. */
  readonly like: Tensor | undefined;
  /** By output: the tensor that may be written where it is. */
  readonly inPlace: readonly (Tensor | null)[];
}

/** How programs are run on a device. */
export interface Device {
  fits(tf: TensorFlow): Fits;
  /** Whether it writes slots where they are. */
  readonly writesInPlace: boolean;
  /** Returns a new tensor for each output, or `null` where it was written in place. */
  run(tf: TensorFlow, run: Run): readonly (Tensor | null)[];
}
