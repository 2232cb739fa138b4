import type { WgslProgram } from '@sgd/compile';
import { SgdError } from '@sgd/core';
import { type GpuBuffer, type GpuDevice, OF_TENSORS, USAGE } from './gpu.ts';

/** A program that can be run, and how its buffers are bound. */
export interface Pipeline {
  readonly pipeline: object;
  readonly layout: object;
}

const COMPUTE = 4; // GPUShaderStage.COMPUTE
const READ = 1; // GPUMapMode.READ

/** A device with its programs, whose errors are exceptions. */
export class Device {
  readonly gpu: GpuDevice;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #isLost: Promise<void>;
  #loss: string | null = null;

  constructor(gpu: GpuDevice) {
    this.gpu = gpu;
    this.#isLost = gpu.lost.then(({ message }) => {
      this.#loss = message;
    });
  }

  /** Throws when the device is lost. */
  check(): void {
    if (this.#loss === null) return;
    const why = 'the WebGPU device is lost, with all values: make a new one, a new webgpu(), and build again';
    throw new SgdError('SGD_BACKEND', this.#loss === '' ? why : `${why} (${this.#loss})`);
  }

  /**
   * Gives the device work. It does all of it or, where it refuses a part, an exception says so. Does not wait for a device that is lost.
   *
   * @param work - begins at once
   */
  async guard<T>(what: string, work: () => T | Promise<T>): Promise<T> {
    this.check();
    this.gpu.pushErrorScope('out-of-memory');
    this.gpu.pushErrorScope('validation');
    const result = (async () => work())();
    const scopes = [this.gpu.popErrorScope(), this.gpu.popErrorScope()];
    const done = Promise.allSettled([result, ...scopes]);
    const settled = await Promise.race([done, this.#isLost]);
    this.check();
    const [outcome, ...errors] = settled as Awaited<typeof done>;
    for (const error of errors as PromiseSettledResult<{ message: string } | null>[]) {
      const message = error.status === 'rejected' ? String(error.reason) : error.value?.message;
      if (message !== undefined) throw new SgdError('SGD_BACKEND', `${what}: the device refuses: ${message}`);
    }
    if (outcome!.status === 'fulfilled') return outcome!.value as T;
    const cause: unknown = outcome!.reason;
    if (cause instanceof SgdError) throw cause;
    throw new SgdError('SGD_BACKEND', `${what}: the device failed`, { cause });
  }

  /** A buffer of zeros or of values. */
  buffer(length: number, usage: number = OF_TENSORS, values?: Float32Array | Uint32Array): GpuBuffer {
    const buffer = this.gpu.createBuffer({ size: length * 4, usage });
    if (values !== undefined) this.gpu.queue.writeBuffer(buffer, 0, values);
    return buffer;
  }

  /** A buffer that {@link Device.fetch} reads. */
  staging(length: number): GpuBuffer {
    return this.buffer(length, USAGE.MAP_READ | USAGE.COPY_DST);
  }

  /** What commands that were submitted leave in a staging buffer. */
  async fetch(staging: GpuBuffer): Promise<Float32Array> {
    await staging.mapAsync(READ);
    const values = new Float32Array(staging.getMappedRange().slice(0));
    staging.unmap();
    return values;
  }

  pipelineOf({ code, bindings }: WgslProgram): Pipeline {
    let known = this.#pipelines.get(code);
    if (known === undefined) {
      const { gpu } = this;
      const entries = bindings.map(({ type }, binding) => ({ binding, visibility: COMPUTE, buffer: { type } }));
      const layout = gpu.createBindGroupLayout({ entries });
      const module = gpu.createShaderModule({ code });
      const pipeline = gpu.createComputePipeline({
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      });
      this.#pipelines.set(code, (known = { pipeline, layout }));
    }
    return known;
  }
}
