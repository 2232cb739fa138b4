import { sizeOf } from '@sgd/core/engine';
import { type Backend, checkOptions, type Feature, type HostTensor, SgdError, shown } from '@sgd/core';
import { Device } from './device.ts';
import type { GpuBuffer, GpuDevice } from './gpu.ts';
import { openSession } from './session.ts';
import { dataOf, describe, freed, isBuffer, refuses, type WebgpuGradient, type WebgpuVariable } from './tensor.ts';

const FEATURES: readonly Feature[] = [
  'weight-decay',
  'accumulation',
  'average',
  'finite-check',
  'clip-value',
  'clip-norm',
  'clip-global-norm',
  'groups',
  'measure',
  'overwrite',
  'pow',
  'sum',
];

/** Settings of {@link webgpu}. */
export interface WebgpuOptions {
  /** The `GPUDevice` to work on, which stays yours; left out: one is made, with all that the adapter grants to buffers. */
  readonly device?: GpuDevice | undefined;
}

/** What {@link webgpu} gives: an engine, and the device that it works on. */
export interface WebgpuBackend extends Backend<WebgpuVariable, WebgpuGradient, 'async'> {
  /** To make gradients on: buffers of it. */
  readonly device: GpuDevice;
  /** Destroys the buffer of a tensor that this engine made; buffers of your own and arrays are left alone. */
  free(value: WebgpuVariable): void;
}

/**
 * The WebGPU engine: programs for the device that are compiled from the optimizer's rule. Variables, slots and gradients stay on the device,
 * and a step is one submit, whatever the number of variables. Nothing is read back, but for one number where a step is checked to be finite.
 *
 * Variables and gradients are `GPUBuffer`s of the device, or values on the host, which are copied to it.
 *
 * @param options - see {@link WebgpuOptions}
 * @returns an engine that any number of optimizers may share
 * @throws SgdError `SGD_UNSUPPORTED`: there is no WebGPU here; `SGD_INVALID_OPTION`; `SGD_BACKEND`: the adapter gives no device
 */
export async function webgpu(options: WebgpuOptions = {}): Promise<WebgpuBackend> {
  checkOptions(options, ['device'], 'webgpu');
  const { device: given } = options;
  if (given !== undefined && typeof given?.createComputePipeline !== 'function') {
    throw new SgdError('SGD_INVALID_OPTION', `device: expected a GPUDevice, got ${shown(given)}`);
  }
  const device = new Device(given ?? (await makeDevice()));
  const made = new WeakSet<GpuBuffer>();
  const copy = ({ data, shape, name }: HostTensor): WebgpuVariable => {
    if (data[Symbol.toStringTag] !== 'Float32Array') {
      throw new SgdError('SGD_UNSUPPORTED', 'a device has no float64: expected a Float32Array');
    }
    device.check();
    const buffer = device.buffer(sizeOf(shape), undefined, Float32Array.from(data));
    made.add(buffer);
    return { data: buffer, shape: [...shape], name };
  };
  return {
    contract: 2,
    name: 'webgpu',
    mode: 'async',
    device: device.gpu,
    supports: new Set(FEATURES),
    // GPUs contract a multiplication and an addition, divide to a few units in the last place, and take subnormal numbers for 0
    tolerance: { rtol: 2e-6, atol: 2 ** -126 },
    variable: copy,
    gradient: copy,
    free(value) {
      const data = dataOf(value);
      if (!isBuffer(data) || !made.delete(data)) return;
      freed.add(data);
      data.destroy();
    },
    describe,
    refuses: (gradient, index, program) => refuses(gradient, program.variables[index]!.shape),
    async open(program, variables) {
      const session = await openSession(device, program, variables);
      session.variables.forEach((handle, i) => {
        if (handle !== variables[i]) made.add(dataOf(handle) as GpuBuffer);
      });
      return session;
    },
  };
}

/** The part of `navigator.gpu` that is used. */
interface Gpu {
  requestAdapter(): Promise<{
    readonly limits: GpuDevice['limits'];
    requestDevice(of: { readonly requiredLimits: Readonly<Record<string, number>> }): Promise<GpuDevice>;
  } | null>;
}

async function makeDevice(): Promise<GpuDevice> {
  const { gpu } = (globalThis as { navigator?: { gpu?: Gpu } }).navigator ?? {};
  const adapter = await gpu?.requestAdapter();
  if (!adapter) throw new SgdError('SGD_UNSUPPORTED', 'there is no WebGPU here: pass a device, or use @sgd/wasm');
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  try {
    return await adapter.requestDevice({
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
    });
  } catch (cause) {
    throw new SgdError('SGD_BACKEND', 'the WebGPU adapter gives no device', { cause });
  }
}
