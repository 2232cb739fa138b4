import { SgdError } from '@sgd/core';
import { type Device, everywhere, type Flaw, outputOf, sizeOf } from './device.ts';
import { copy, type Formula } from './formula.ts';
import type { Gpu, GpuTexture, Kernel } from './gpu.ts';
import { kernelOf, type Kind } from './kernels.ts';
import { reductions } from './reductions.ts';

/** What kernels return in mode webgpu. */
interface Buffer extends GpuTexture {
  readonly buffer: { _refs: number };
  readonly output: readonly number[];
  readonly componentCount: number;
  readonly context: { readonly isLost?: boolean };
  readonly kernel: unknown;
  readonly type: string;
  readonly _deleted: boolean;
  toArray(): Promise<Float32Array>;
  clone(): Buffer;
}

/** The mode webgpu: tensors are buffers of one dimension, and every call is a promise. */
export function buffers(gpu: Gpu): Device<Buffer> {
  /** Kernels that are being built, each by its first run, which nothing may come between. */
  const building = new Map<Kernel, Promise<unknown>>();
  const built = new WeakSet<Kernel>();
  let context: Buffer['context'] | undefined;

  const start = async (kernel: Kernel, size: number, args: readonly unknown[]): Promise<Buffer> => {
    while (building.has(kernel)) await building.get(kernel);
    kernel.setOutput([size]);
    const running = (kernel(...args) as Promise<Buffer>).then((made) => {
      // the kernel would keep it until it runs again; which it may have done
      if (kernel.kernel.outputBuffer === made.buffer) {
        made.buffer._refs--;
        kernel.kernel.outputBuffer = null;
      }
      return made;
    });
    if (built.has(kernel)) return running;
    building.set(
      kernel,
      running.catch(() => {}),
    );
    try {
      const made = await running;
      built.add(kernel);
      context = made.context;
      return made;
    } finally {
      building.delete(kernel);
    }
  };
  const run = (formula: Formula, size: number, kind: Kind, args: readonly unknown[]): Promise<Buffer> =>
    start(kernelOf(gpu, formula, { kind }), size, args);
  const upload = (values: Float32Array): Promise<Buffer> => run(copy, values.length, 'Array', [values]);

  const wrap = (made: Buffer, output: readonly number[]): Buffer => {
    const { buffer, componentCount, context: owner, kernel } = made;
    const Result = made.constructor as new (settings: object) => Buffer;
    return new Result({ buffer, output, componentCount, context: owner, kernel });
  };

  const device = {
    name: 'gpujs:webgpu',
    mode: 'async' as const,
    supports: everywhere,
    tolerance: { rtol: 1e-6, atol: 2 ** -126 },
    most: Infinity, // gpu.js says when a buffer is too large for the device
    check(): void {
      if (!context?.isLost) return;
      throw new SgdError('SGD_BACKEND', 'the WebGPU device is lost, with all values: make a new GPU and build again');
    },
    flawOf(value: object): Flaw | null | undefined {
      const { buffer, type, componentCount, context: owner, _deleted } = value as Partial<Buffer>;
      if (buffer === undefined || type !== 'WebGPUBuffer') return undefined;
      if (_deleted) return { code: 'SGD_DETACHED', text: 'a buffer that was deleted' };
      if (owner?.isLost && owner !== context)
        return { code: 'SGD_UNSUPPORTED', text: 'a buffer of a device that is lost' };
      if (componentCount === 1) return null;
      return { code: 'SGD_UNSUPPORTED', text: `a buffer of Array(${componentCount}), expected one of numbers` };
    },
    shapeOf: (texture: object) => (texture as Buffer).output.slice().reverse(),
    upload,
    borrow: (values: object) =>
      ArrayBuffer.isView(values)
        ? upload(values as Float32Array)
        : wrap(values as Buffer, [sizeOf((values as Buffer).output)]),
    async read(tensor: Buffer): Promise<Float32Array> {
      const held = wrap(tensor, [sizeOf(tensor.output)]);
      try {
        return await held.toArray();
      } finally {
        held.delete();
      }
    },
    run: (formula: Formula, size: number, tensors: readonly Buffer[], numbers: readonly number[]): Promise<Buffer> =>
      run(formula, size, 'WebGPUBuffer', [...tensors, ...numbers]),
    share: (tensor: Buffer) => tensor.clone(),
    copy: (tensor: Buffer) => tensor.clone(),
    free: (tensor: Buffer) => tensor.delete(),
    clear() {},
    handle: (tensor: Buffer, shape: readonly number[]) => wrap(tensor, outputOf(shape)),
    view(values: object, shape: readonly number[]): object {
      const borrowed = wrap(values as Buffer, outputOf(shape));
      borrowed.buffer._refs--;
      return Object.assign(borrowed, { delete() {} });
    },
  };
  return { ...device, reductions: reductions(device) };
}
