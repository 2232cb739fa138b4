import { type Entry, type FloatArray, type Program, SgdError, type Slot, type WriteEntry } from '@sgd/core';
import { type Device, sizeOf } from './device.ts';
import { fill } from './formulas.ts';
import type { GpuTexture, GpuVariable } from './gpu.ts';
import { settled, type Work } from './steps.ts';
import { describe, isOurs, note, valuesOf } from './tensor.ts';

/** The variables and slots of a session, flat, and the handles that the user has. */
export interface Tensors<T> {
  readonly sizes: readonly number[];
  /** Current handles; the list is always the same. */
  readonly handles: readonly GpuVariable[];
  /** A tensor; there is none of no elements, and none of a slot that the variable does not have. */
  of(slot: Slot, index: number): T;
  /** Puts a tensor in the place of another, which is freed. */
  replace(slot: Slot, index: number, tensor: T): void;
  /** Sets the accumulator of a variable to 0, by assignment. */
  reset(index: number): void;
  averages(action: 'assign' | 'swap'): void;
  /** Begins all reads before it returns. */
  read(entries: readonly Entry[]): Promise<FloatArray[]>;
  write(entries: readonly WriteEntry[]): Promise<void>;
  /** Frees all but the handles. */
  dispose(): void;
}

const SLOTS = ['variable', 'momentum', 'accumulator', 'average'] as const;

/** Takes variables to the device, and makes slots of zeros. */
export function* loadTensors<T>(
  device: Device<T>,
  { slots, variables }: Program,
  given: readonly GpuVariable[],
): Work<Tensors<T>> {
  const sizes = variables.map(({ shape }) => sizeOf(shape));
  const has = (slot: Slot, i: number): boolean =>
    slot === 'variable' || (slots.has(slot) && (slot === 'accumulator' || !variables[i]?.overwrites));
  const tensors: Record<Slot, (T | null)[]> = { variable: [], momentum: [], accumulator: [], average: [] };
  /** Shared by all slots of a size that are 0, as tensors never change. */
  const zeros = new Map<number, T>();
  const handles: GpuVariable[] = [];
  const names: (string | undefined)[] = [];
  /** Whether the handle was made here or by the backend: those that the user made are the user's to free. */
  const owned: boolean[] = [];

  /** Gives the user a handle of the current value. */
  const hand = (i: number): void => {
    const { shape } = variables[i]!;
    const tensor = tensors.variable[i];
    const handle = tensor ? device.handle(tensor, shape) : new Float32Array(0);
    const flat = ArrayBuffer.isView(tensor ?? handle) ? ((tensor ?? handle) as Float32Array) : null;
    if (flat !== handle || shape.length !== 1 || names[i] !== undefined) note(handle, { shape, name: names[i], flat });
    if (owned[i]) (handles[i] as Partial<GpuTexture>).delete?.();
    handles[i] = handle as GpuVariable;
    owned[i] = true;
  };
  const put = (slot: Slot, i: number, tensor: T): void => {
    tensors[slot][i] = tensor;
    if (slot === 'variable') hand(i);
  };
  const replace = (slot: Slot, i: number, tensor: T): void => {
    const old = tensors[slot][i] as T;
    put(slot, i, tensor);
    device.free(old);
  };
  const dispose = (): void => {
    for (const slot of SLOTS) for (const tensor of tensors[slot].splice(0)) if (tensor) device.free(tensor);
    for (const tensor of zeros.values()) device.free(tensor);
    zeros.clear();
    device.clear();
  };

  try {
    for (const [i, value] of given.entries()) {
      const size = sizes[i]!;
      const found = describe(device, value);
      const ours = isOurs(value);
      names[i] = found.name;
      handles[i] = value;
      owned[i] = ours;
      if (size > 0) {
        const values = valuesOf(value, found);
        const copies = ArrayBuffer.isView(values) && !ours;
        tensors.variable[i] = yield* settled(copies ? device.upload(values as Float32Array) : device.borrow(values));
        if (slots.size > 0 && !zeros.has(size)) zeros.set(size, yield* settled(device.run(fill, size, [], [0])));
      } else tensors.variable[i] = null;
      // a texture of the user's stays the handle until the first step
      if (!ours && (found.values !== value || ArrayBuffer.isView(value))) hand(i);
      for (const slot of slots) {
        tensors[slot][i] = size > 0 && has(slot, i) ? device.share(zeros.get(size) as T) : null;
      }
    }
  } catch (error) {
    dispose();
    throw error;
  }

  const find = ({ slot, index }: Entry, length?: number): T | null => {
    const size = has(slot, index) ? sizes[index] : undefined;
    if (size !== undefined && size === (length ?? size)) return tensors[slot][index] ?? null;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${size}, got ${length}`);
  };

  return {
    sizes,
    handles,
    of: (slot, i) => tensors[slot][i] as T,
    replace,
    reset(i) {
      const zero = zeros.get(sizes[i]!);
      if (zero !== undefined) replace('accumulator', i, device.share(zero));
    },
    averages(action) {
      device.check();
      for (const [i, average] of tensors.average.entries()) {
        if (!average) continue;
        const old = tensors.variable[i] as T;
        put('variable', i, device.copy(average));
        if (action === 'assign') device.free(old);
        else replace('average', i, old);
      }
    },
    async read(entries) {
      device.check();
      const found = entries.map((entry) => find(entry));
      return Promise.all(
        found.map(async (tensor, j) =>
          tensor === null ? new Float32Array(0) : device.read(tensor, sizes[entries[j]!.index]!),
        ),
      );
    },
    async write(entries) {
      device.check();
      for (const entry of entries) find(entry, entry.values.length);
      const targets = entries.filter(({ values }) => values.length > 0);
      const uploads = await Promise.allSettled(
        targets.map(async ({ values }) => device.upload(values as Float32Array)),
      );
      const failed = uploads.find((upload) => upload.status === 'rejected');
      for (const [j, upload] of uploads.entries()) {
        if (upload.status === 'rejected') continue;
        const { slot, index } = targets[j]!;
        if (failed) device.free(upload.value);
        else replace(slot, index, upload.value);
      }
      if (failed) throw failed.reason;
    },
    dispose,
  };
}
