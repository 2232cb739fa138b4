import { sizeOf } from '@sgd/core/engine';
import { FIGURE, MOST_PARTS } from '@sgd/compile';
import { type Program, SgdError } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import type { Device } from './device.ts';
import { type GpuBuffer, USAGE } from './gpu.ts';
import type { ProgramKernels } from './kernels.ts';
import { dataOf, describe, isBuffer, type WebgpuVariable } from './tensor.ts';

/** Where the parameters of a variable begin: as far apart as devices want it. */
const PARAMETER_BYTES = 256;

/** The buffers of an optimizer. */
export class Memory {
  /** By variable. */
  readonly handles: readonly WebgpuVariable[];
  readonly tensors: readonly Readonly<Record<string, GpuBuffer>>[];
  readonly sizes: readonly number[];
  readonly figures: GpuBuffer;
  /** Of updates, then of squared norms, then of the clip's factor. */
  readonly parameters: GpuBuffer;
  /** For one number that the host asks for. */
  readonly flag: GpuBuffer;
  /** Figures that each variable has of its own, and where the first begins. */
  readonly figuresEach: number;
  readonly firstFigure: number;
  readonly #device: Device;
  readonly #owned: GpuBuffer[] = [];
  /** By variable: where a gradient of the host is copied. */
  readonly #uploads: ({ readonly buffer: GpuBuffer; readonly values: Float32Array } | undefined)[] = [];

  constructor(
    device: Device,
    program: Program,
    definition: StepDefinition,
    kernels: ProgramKernels,
    given: readonly WebgpuVariable[],
  ) {
    const { variables } = program;
    this.#device = device;
    this.sizes = variables.map(({ shape }) => sizeOf(shape));
    this.handles = given.map((handle) => onDevice(device, handle));
    this.tensors = this.handles.map((handle, i) => this.#tensorsOf(definition, i, dataOf(handle) as GpuBuffer));
    this.figuresEach = kernels.figures;
    this.firstFigure = FIGURE.squares + variables.length;
    const ofFactor = this.firstFigure + variables.length * this.figuresEach;
    const parts = ofFactor + (kernels.clipFactor?.figures ?? 0);
    this.figures = this.own(parts + MOST_PARTS * Math.max(1, this.figuresEach));
    const words = [
      ...this.sizes.map((size, i) => [size / lanesOf(size), this.firstFigure + i * this.figuresEach, parts]),
      ...this.sizes.map((size, i) => [size / lanesOf(size), FIGURE.squares + i, parts]),
      [variables.length, ofFactor, parts],
    ];
    const values = new Uint32Array((words.length * PARAMETER_BYTES) / 4);
    words.forEach((one, i) => values.set(one, (i * PARAMETER_BYTES) / 4));
    this.parameters = this.own(values.length, USAGE.UNIFORM | USAGE.COPY_DST, values);
    this.flag = device.staging(1);
    this.#owned.push(this.flag);
  }

  /** A buffer that is freed with the optimizer. */
  own(...of: Parameters<Device['buffer']>): GpuBuffer {
    const buffer = this.#device.buffer(...of);
    this.#owned.push(buffer);
    return buffer;
  }

  /** Where the parameters of an update, a squared norm or the clip's factor begin, in bytes. */
  offsetOf(kind: 'update' | 'squares' | 'factor', index: number): number {
    const { length } = this.sizes;
    return PARAMETER_BYTES * (kind === 'update' ? index : kind === 'squares' ? length + index : 2 * length);
  }

  /** A gradient on the device: itself, or a copy. */
  lend(gradient: GpuBuffer | Float32Array, index: number): GpuBuffer {
    if (isBuffer(gradient)) return gradient;
    const size = this.sizes[index]!;
    const upload = (this.#uploads[index] ??= {
      buffer: this.own(size, USAGE.STORAGE | USAGE.COPY_DST),
      values: new Float32Array(size),
    });
    // a queue refuses memory that can be resized
    upload.values.set(gradient);
    this.#device.gpu.queue.writeBuffer(upload.buffer, 0, upload.values);
    return upload.buffer;
  }

  free(): void {
    for (const buffer of this.#owned) buffer.destroy();
    this.#owned.length = 0;
  }

  #tensorsOf(definition: StepDefinition, index: number, variable: GpuBuffer): Record<string, GpuBuffer> {
    const size = this.sizes[index]!;
    const make = (initial: number): GpuBuffer =>
      initial === 0 ? this.own(size) : this.own(size, undefined, new Float32Array(size).fill(initial));
    return Object.fromEntries(
      definition
        .tensorsOf(index)
        .map(({ name, initial = 0 }) => [name, name === 'variable' ? variable : make(initial)]),
    );
  }
}

/** How many elements an invocation takes at once. */
export const lanesOf = (size: number): 1 | 4 => (size % 4 === 0 ? 4 : 1);

/** A variable on the device: itself, or a tensor with a copy of the values. */
function onDevice(device: Device, handle: WebgpuVariable): WebgpuVariable {
  const data = dataOf(handle);
  if (isBuffer(data)) return handle;
  const { shape, name } = describe(handle);
  return { data: device.buffer(data.length, undefined, Float32Array.from(data)), shape, name };
}

/**
 * Refuses variables that the device can't hold.
 *
 * @throws SgdError `SGD_UNSUPPORTED`: too large; `SGD_INVALID_OPTION`: two are one buffer
 */
export function checkVariables(device: Device, { variables }: Program, handles: readonly WebgpuVariable[]): void {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.gpu.limits;
  const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  const known = new Map<unknown, string>();
  variables.forEach(({ path, shape }, i) => {
    const bytes = sizeOf(shape) * 4;
    if (bytes > most) {
      throw new SgdError(
        'SGD_UNSUPPORTED',
        `"${path}" has ${bytes} bytes, and the device grants ${most} to a buffer: ask for more with requiredLimits.maxStorageBufferBindingSize and maxBufferSize, or split it`,
      );
    }
    const data = dataOf(handles[i]!);
    const other = known.get(data);
    if (other !== undefined && isBuffer(data)) {
      throw new SgdError('SGD_INVALID_OPTION', `"${path}" and "${other}" are one buffer`);
    }
    known.set(data, path);
  });
}
