import { type Backend, type HostTensor, type Mode, SgdError } from '@sgd/core';
import { type Device, sizeOf } from './device.ts';
import type { Gpu, GpuArgument, GpuGradient, GpuTexture, GpuVariable } from './gpu.ts';
import { deviceOf, makeGpu } from './mode.ts';
import { openSession } from './session.ts';
import { perform } from './steps.ts';
import { describe, isOurs, note, refuses, valuesOf } from './tensor.ts';

/** What {@link gpujs} takes. */
export interface GpujsOptions {
  /** The `GPU` on which the model's kernels are made; left out, one is made. */
  readonly gpu?: Gpu | undefined;
  /** The mode of the `GPU` that is made: `"webgl2"`, `"webgl"`, `"headlessgl"`, `"webasm"` or `"cpu"`; gpu.js chooses by default. */
  readonly mode?: string | undefined;
  readonly async?: false | undefined;
}

/** What {@link gpujs} takes for mode webgpu, in which every call is a promise. */
export interface GpujsAsyncOptions {
  /** A `GPU` of mode `"webgpu"`; left out, one is made. */
  readonly gpu?: Gpu | undefined;
  readonly mode?: 'webgpu' | undefined;
  readonly async: true;
}

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

/**
 * The gpu.js engine: variables, slots and gradients are textures, each formula of the step is a kernel, and nothing is read back.
 *
 * On a `GPU` of your own, gradients are the textures that your kernels return (with `pipeline: true` and `precision: 'single'`), and
 * `optimizer.trainableVariables` are textures for your kernels; they are replaced at each step. In the modes webasm and cpu the same are arrays.
 * A texture of yours that becomes a variable is read, and neither written nor deleted.
 *
 * In the modes cpu and webasm results have Keras's bits. In the others `tolerance` allows for drivers that fuse a product with a sum or flush numbers below
 * 2^-126 to 0. `supports` has all features but float64 and, where values are not on the host, constraints.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: no GPU, or one whose mode and `async` do not go together, or whose canvas is not that of its context;
 * `SGD_UNSUPPORTED`: a mode that does not run here, also because a content security policy forbids it. Steps throw `SGD_BACKEND` when the
 * context is lost.
 */
export function gpujs(options?: GpujsOptions): GpujsBackend<'sync'>;
/** In mode webgpu: every call is a promise. */
export function gpujs(options: GpujsAsyncOptions): GpujsBackend<'async'>;
export function gpujs(options: GpujsOptions | GpujsAsyncOptions = {}): GpujsBackend<Mode> {
  const { gpu: given, mode, async } = options;
  const gpu = given ?? makeGpu(mode ?? (async ? 'webgpu' : undefined));
  const device = deviceOf(gpu);
  if (Boolean(async) !== (device.mode === 'async')) {
    const cure = async ? 'leave out `async: true`' : 'pass `async: true`, and await every call';
    throw new SgdError('SGD_INVALID_OPTION', `gpujs: the GPU is one for ${device.name}: ${cure}`);
  }
  const tensor = (values: HostTensor): GpuVariable => tensorOf(device, values);
  return {
    contract: 1,
    name: device.name,
    mode: device.mode,
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
    open: (program, variables) => perform(device.mode, openSession<Mode>(device, program, variables)),
    shaped(variable, shape) {
      const found = describe(device, variable);
      const wanted = shape ?? found.shape;
      if (sizeOf(wanted) !== sizeOf(found.shape) || wanted.length < 1 || wanted.length > 3) {
        const text = `[${wanted.join()}] is no shape of one to three dimensions for a variable of [${found.shape.join()}]`;
        throw new SgdError('SGD_INVALID_OPTION', `shaped: ${text}`);
      }
      return device.view(valuesOf(variable, found), wanted) as GpuArgument;
    },
    async destroy() {
      if (!given) await gpu.destroy();
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
