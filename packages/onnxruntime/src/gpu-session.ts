import {
  type Entry,
  type FloatArray,
  type Measured,
  ofFixedLength,
  type Session,
  SgdError,
  type Step,
  type WriteEntry,
} from '@sgd/core';
import { newGuarded } from './device.ts';
import { enqueue, load, unload } from './engine.ts';
import { download, type GpuBuffer, type GpuDevice, newBuffer, newCopies, type Range } from './gpu.ts';
import type { GpuKind, GpuSettings } from './gpu-kind.ts';
import { GpuSteps } from './gpu-step.ts';
import type { OrtTensor } from './ort.ts';
import { arrayOf, onGpu, type OnnxTensor, sizeOf } from './tensor.ts';

type Async = Session<OnnxTensor, OnnxTensor, 'async'>;

const bufferOf = (tensor: OrtTensor): GpuBuffer => tensor.gpuBuffer as GpuBuffer;

/** The optimizer whose values are in a buffer: two may have one as their variable. */
const publishers = new WeakMap<GpuBuffer, object>();

/** What a session holds besides its kinds. */
export interface Held {
  readonly device: GpuDevice;
  /** A model that is loaded, as bytes. */
  readonly anchor: Uint8Array;
  readonly dispose: () => Promise<void>;
}

/** The variables of one optimizer on a GPU. */
export class GpuSession implements Required<Omit<Async, 'variables'>> {
  readonly handles: readonly OrtTensor[];
  readonly #settings: GpuSettings;
  readonly #kinds: readonly GpuKind[];
  readonly #held: Held;
  readonly #buffers: readonly GpuBuffer[];
  /** By variable: its kind, and its place there. */
  readonly #places: { readonly kind: GpuKind; readonly at: number }[] = [];
  readonly #steps: GpuSteps;
  readonly #guarded: <T>(job: () => Promise<T>) => Promise<T>;

  constructor(settings: GpuSettings, kinds: readonly GpuKind[], held: Held, given: readonly OnnxTensor[]) {
    this.#settings = settings;
    this.#kinds = kinds;
    this.#held = held;
    for (const kind of kinds) kind.indices.forEach((index, at) => (this.#places[index] = { kind, at }));
    this.#steps = new GpuSteps(settings, kinds, this.#places);
    this.#guarded = newGuarded(settings.engine, held.device);
    this.handles = given.map((tensor, index) => (onGpu(tensor) ? tensor : this.#handle(index)));
    this.#buffers = this.handles.map(bufferOf);
    given.forEach((tensor, index) => this.#upload(tensor, 'variable', index));
    this.#publish();
  }

  step(step: Step, gradients: readonly OnnxTensor[], indices: readonly number[]): Promise<boolean> {
    return this.#guarded(async () => {
      this.#catchUp();
      // arrays are read once: a getter of the caller's may detach any of them
      const values = gradients.map((tensor) => (onGpu(tensor) ? tensor : arrayOf(tensor)));
      indices.forEach((index, j) => this.#wantLength(values[j]!, index));
      indices.forEach((index, j) => this.#upload(values[j]!, 'gradient', index));
      if (!(await this.#steps.compute(step, indices))) return false;
      this.#steps.put(step);
      this.#publish();
      return true;
    });
  }

  averages(action: 'assign' | 'swap'): Promise<void> {
    return this.#guarded(async () => {
      this.#catchUp();
      if (action === 'assign') this.#assign();
      else for (const kind of this.#kinds) kind.swapAverages();
      this.#publish();
    });
  }

  read(entries: readonly Entry[]): Promise<FloatArray[]> {
    return this.#guarded(async () => {
      this.#catchUp();
      return download(
        this.#held.device,
        entries.map((entry) => this.#find(entry)),
      );
    });
  }

  write(entries: readonly WriteEntry[]): Promise<void> {
    return this.#guarded(async () => {
      const ranges = entries.map((entry) => this.#find(entry, entry.values.length));
      this.#catchUp();
      const { queue } = this.#held.device;
      ranges.forEach(({ buffer, offset }, j) => {
        queue.writeBuffer(buffer, offset, Float32Array.from(entries[j]!.values));
      });
      this.#publish();
    });
  }

  async measured(): Promise<Measured> {
    return this.#steps.measured;
  }

  dispose(): Promise<void> {
    return enqueue(this.#settings.engine.ort, this.#held.dispose);
  }

  /** A tensor for the values of a variable, for the user to see. */
  #handle(index: number): OrtTensor {
    const { engine, program } = this.#settings;
    const { device, anchor } = this.#held;
    const { shape } = program.variables[index]!;
    const bytes = sizeOf(shape) * 4;
    // ONNX Runtime gives the device up with its last session: each handle that we make keeps one loaded until it is freed
    load(engine, anchor).catch(() => {});
    const buffer = newBuffer(device, bytes);
    return engine.ort.Tensor.fromGpuBuffer!(buffer, {
      dataType: 'float32',
      dims: shape,
      download: async () => (await download(device, [{ buffer, offset: 0, bytes }]))[0] as never,
      dispose() {
        buffer.destroy();
        void enqueue(engine.ort, () => unload(engine, anchor));
      },
    });
  }

  #range(name: string, index: number): Range {
    const { kind, at } = this.#places[index]!;
    return kind.range(name, at);
  }

  /** The bytes of an entry; throws `SGD_STATE_MISMATCH` if there is none, or none of this length. */
  #find({ slot, index }: Entry, length?: number): Range {
    const place = this.#places[index];
    const size = place?.kind.arena(slot) && slot !== 'gradient' ? place.kind.layout.sizes[place.at] : undefined;
    if (size !== undefined && size === (length ?? size)) return this.#range(slot, index);
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${size}, got ${length}`);
  }

  /** Refuses an array that has another length than it had when it was checked. */
  #wantLength(gradient: OnnxTensor, index: number): void {
    const { path, shape } = this.#settings.program.variables[index]!;
    if (onGpu(gradient) || (gradient as FloatArray).length === sizeOf(shape)) return;
    throw new SgdError('SGD_DETACHED', `the memory of the gradient of "${path}" was detached or resized`);
  }

  #upload(tensor: OnnxTensor, name: string, index: number): void {
    const { device } = this.#held;
    const { buffer, offset, bytes } = this.#range(name, index);
    if (onGpu(tensor)) {
      const copies = newCopies(device);
      copies.copy({ buffer: bufferOf(tensor), offset: 0, bytes }, buffer, offset);
      copies.submit();
    } else device.queue.writeBuffer(buffer, offset, ofFixedLength(arrayOf(tensor)));
  }

  /** Brings the values of variables to where the user sees them. */
  #publish(): void {
    const copies = newCopies(this.#held.device);
    this.#buffers.forEach((buffer, index) => {
      copies.copy(this.#range('variable', index), buffer, 0);
      publishers.set(buffer, this);
    });
    copies.submit();
  }

  /** Takes over what other optimizers made of variables. */
  #catchUp(): void {
    this.handles.forEach((handle, index) => {
      if (publishers.get(this.#buffers[index]!) !== this) this.#upload(handle, 'variable', index);
    });
  }

  #assign(): void {
    const copies = newCopies(this.#held.device);
    this.handles.forEach((_, index) => {
      const { buffer, offset } = this.#range('variable', index);
      copies.copy(this.#range('average', index), buffer, offset);
    });
    copies.submit();
  }
}
