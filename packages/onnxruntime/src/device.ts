import { SgdError } from '@sgd/core';
import { type Engine, enqueue } from './engine.ts';
import type { GpuDevice } from './gpu.ts';

/** The device that ONNX Runtime computes on; known once a session was made. */
export async function deviceOf({ ort, device }: Engine): Promise<GpuDevice> {
  const { webgpu } = ort.env as { readonly webgpu?: { readonly device?: GpuDevice | Promise<GpuDevice> } };
  const found = device ?? (await webgpu?.device);
  if (found) return found;
  throw new SgdError('SGD_BACKEND', 'onnxruntime, execution provider webgpu: there is no device');
}

/** Runs jobs in the queue; one that waits for a device that is lost rejects with `SGD_BACKEND`, so do all that come after. */
export function newGuarded({ ort }: Engine, device: GpuDevice): <T>(job: () => Promise<T>) => Promise<T> {
  let lost: SgdError | undefined;
  let fail: (error: SgdError) => void = () => {};
  void device.lost.then(({ message }) => {
    lost = new SgdError('SGD_BACKEND', `onnxruntime, execution provider webgpu: the device is lost: ${message}`);
    fail(lost);
  });
  return <T>(job: () => Promise<T>) =>
    enqueue(
      ort,
      () =>
        new Promise<T>((resolve, reject) => {
          // ONNX Runtime waits for ever for a device that is lost
          if (lost) throw lost;
          fail = reject;
          job().then(resolve, reject);
        }),
    );
}
