import { type Backend, type HostTensor, type Mode, SgdError, shownShape } from '@sgd/core';
import { type Device, sizeOf } from './device.ts';
import type { Gpu, GpuArgument, GpuGradient, GpuTexture, GpuVariable } from './gpu.ts';
import { openSession } from './session.ts';
import { perform } from './steps.ts';
import { describe, isOurs, note, refuses, valuesOf } from './tensor.ts';

/** The engine, and what kernels of the user's need of it. */
export interface GpujsBackend<M extends Mode> extends Backend<GpuVariable, GpuGradient, M> {
  /** Make the kernels of the model on it. */
  readonly gpu: Gpu;
  /**
   * A variable as kernels index it by another shape, without a copy: `w[y][x]` for two dimensions. It is of the moment, as the variable is: the
   * next step replaces it. It need not be deleted.
   *
   * @param variable - a variable or other texture, or values on the host
   * @param shape - of one to three dimensions, outermost first, with as many elements; default: the variable's own
   * @throws SgdError `SGD_INVALID_OPTION`: another number of elements or dimensions; `SGD_UNKNOWN_VARIABLE`, `SGD_UNSUPPORTED`, `SGD_DETACHED`
   */
  shaped(variable: GpuVariable, shape?: readonly number[]): GpuArgument;
  /** Destroys the `GPU` if it was made here, with all that is on it; does nothing to one that was given. */
  destroy(): Promise<void>;
}

/** The engine on a device. */
export function backendOn<M extends Mode>(gpu: Gpu, device: Device, made: boolean): GpujsBackend<M> {
  const mode = device.mode as M;
  const tensor = (values: HostTensor): GpuVariable => tensorOf(device, values);
  return {
    contract: 2,
    name: device.name,
    mode,
    supports: device.supports,
    tolerance: device.tolerance,
    gpu,
    variable: tensor,
    gradient: tensor,
    free(value) {
      if (isOurs(value)) (value as Partial<GpuTexture>).delete?.();
    },
    describe: (variable) => describe(device, variable),
    refuses: (gradient, index, program) => refuses(device, gradient, index, program),
    open: (program, variables) => perform(mode, openSession<M>(device, program, variables)),
    shaped(variable, shape) {
      const found = describe(device, variable);
      const wanted = shape ?? found.shape;
      if (sizeOf(wanted) !== sizeOf(found.shape) || wanted.length < 1 || wanted.length > 3) {
        const text = `${shownShape(wanted)} is no shape of one to three dimensions for a variable of ${shownShape(found.shape)}`;
        throw new SgdError('SGD_INVALID_OPTION', `shaped: ${text}`);
      }
      return device.view(valuesOf(variable, found), wanted) as GpuArgument;
    },
    async destroy() {
      if (made) await gpu.destroy();
    },
  };
}

/** A copy of values; on the device, if that is done at once. */
function tensorOf(device: Device, { data, shape, name }: HostTensor): GpuVariable {
  const kept = { shape: [...shape], name };
  const values = data.slice() as Float32Array;
  const { dtype } = describe(device, { data: values, ...kept });
  if (dtype !== 'float32') {
    throw new SgdError('SGD_UNSUPPORTED', `${name ?? 'a tensor'} is ${dtype}; kernels compute in float32: convert it`);
  }
  if (device.mode === 'async') return { data: values, ...kept };
  let handle: object = values;
  let flat: unknown = values;
  if (values.length > 0) {
    flat = device.upload(values);
    handle = device.handle(flat, shape);
    device.free(flat);
  }
  note(handle, { ...kept, flat: ArrayBuffer.isView(flat) ? (flat as Float32Array) : null });
  return handle as GpuVariable;
}
