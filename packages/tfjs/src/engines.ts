import { SgdError } from '@sgd/core';
import type { Tensor, TensorFlow } from './tf.ts';

/** Parts of the engines that a step looks at; which of them are there tells what can be done. */
interface Inside {
  readonly gpgpu?: { readonly gl?: { isContextLost?(): boolean } };
  readonly device?: { readonly lost?: Promise<{ readonly message: string }> };
  readonly runWebGPUProgram?: unknown;
}

/** The engine of now: `cpu`, `wasm`, `webgl`, `webgpu` or another; `none` before one was started. */
export function engineOf(tf: TensorFlow): string {
  // undefined at first, whatever its type says
  return (tf.getBackend() as string | undefined) ?? 'none';
}

/** Whether values are in memory that JavaScript reaches without a copy from a device. */
export const isHosted = (engine: string): boolean => engine === 'cpu' || engine === 'wasm';

/** Whether values can be read within a call. */
export const readsAtOnce = (engine: string): boolean => engine !== 'webgpu';

const lost = new WeakMap<object, string>();

/** Refuses to work on a context or device that is gone; tfjs itself would give zeros. */
export function wantDevice(tf: TensorFlow): void {
  const { gpgpu, device } = tf.backend() as Inside;
  if (device?.lost && !lost.has(device)) {
    lost.set(device, '');
    void device.lost.then(({ message }) => lost.set(device, message || 'it was lost'));
  }
  const why = (device && lost.get(device)) || (gpgpu?.gl?.isContextLost?.() ? 'its context was lost' : '');
  if (why !== '') throw new SgdError('SGD_BACKEND', `the engine ${engineOf(tf)} can't go on: ${why}`);
}

/** Where engines keep values that are on the host, if only until a device needs them. */
interface Stores {
  readonly data?: Store;
  readonly texData?: Store;
  readonly tensorMap?: Store;
}
interface Store {
  get?(dataId: object): { readonly values?: { readonly length: number } | null } | undefined;
}

/** Refuses a gradient on an array of the caller's that was detached or resized since: `tf.tensor` does not copy it. */
export function wantValues(tf: TensorFlow, { dataId, size }: Tensor, path: string): void {
  const { data, texData, tensorMap } = tf.backend() as Stores;
  const values = (data ?? texData ?? tensorMap)?.get?.(dataId)?.values;
  if (values && values.length !== size)
    throw new SgdError('SGD_DETACHED', `the memory of the gradient of "${path}" was detached or resized`);
}

/** Numbers as tensors of the two types that matter have them. */
export type Values = Float32Array | Int32Array;

/** Copies of the values of tensors as of now. */
export function readAll(tf: TensorFlow, tensors: readonly Tensor[]): Promise<Values[]> {
  const { tensorInfo } = tf.engine().state;
  const reading = tensors.map(async (tensor): Promise<Values> => {
    const home = tensorInfo.get(tensor.dataId)?.backend as Inside | undefined;
    if (!home?.runWebGPUProgram) return copyOf(tensor);
    // holds the values that the tensor has now, until they came
    const held = tf.keep(tf.clone(tensor));
    try {
      return (await held.data<'float32' | 'int32'>()).slice();
    } finally {
      held.dispose();
    }
  });
  return Promise.all(reading);
}

/** A copy of the values, read within the call. */
export const copyOf = (tensor: Tensor): Values => tensor.dataSync<'float32' | 'int32'>().slice();
