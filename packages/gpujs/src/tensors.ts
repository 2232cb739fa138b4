import { type Entry, type FloatArray, type Program, SgdError, type Slot, type WriteEntry } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import { type Device, sizeOf } from './device.ts';
import { fill } from './formula.ts';
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
  /** Puts a tensor in the place of another whose every element is a constant. */
  fill(slot: Slot, index: number, value: number): Work<void>;
  averages(action: 'assign' | 'swap'): void;
  /** Begins all reads before it returns. */
  read(entries: readonly Entry[]): Promise<FloatArray[]>;
  write(entries: readonly WriteEntry[]): Promise<void>;
  /** Frees all but the handles. */
  dispose(): void;
}

/** What is kept for a variable: `null` where it has no elements. */
type Kept<T> = Map<Slot, T | null>;

/** Takes variables to the device, and makes slots of their first values. */
export function* loadTensors<T>(
  device: Device<T>,
  { variables }: Program,
  definition: StepDefinition,
  given: readonly GpuVariable[],
): Work<Tensors<T>> {
  const sizes = variables.map(({ shape }) => sizeOf(shape));
  const kept: Kept<T>[] = variables.map(() => new Map());
  const constants = new Constants(device);
  const handles: GpuVariable[] = [];
  const names: (string | undefined)[] = [];
  /** Whether the handle was made here or by the backend: those that the user made are the user's to free. */
  const owned: boolean[] = [];

  /** Gives the user a handle of the current value. */
  const hand = (i: number): void => {
    const { shape } = variables[i]!;
    const tensor = kept[i]!.get('variable');
    const handle = tensor ? device.handle(tensor, shape) : new Float32Array(0);
    const flat = ArrayBuffer.isView(tensor ?? handle) ? ((tensor ?? handle) as Float32Array) : null;
    if (flat !== handle || shape.length !== 1 || names[i] !== undefined) note(handle, { shape, name: names[i], flat });
    if (owned[i]) (handles[i] as Partial<GpuTexture>).delete?.();
    handles[i] = handle as GpuVariable;
    owned[i] = true;
  };
  const put = (slot: Slot, i: number, tensor: T): void => {
    kept[i]!.set(slot, tensor);
    if (slot === 'variable') hand(i);
  };
  const replace = (slot: Slot, i: number, tensor: T): void => {
    const old = kept[i]!.get(slot) as T;
    put(slot, i, tensor);
    device.free(old);
  };
  const dispose = (): void => {
    for (const tensors of kept) {
      for (const tensor of tensors.values()) if (tensor) device.free(tensor);
      tensors.clear();
    }
    constants.free();
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
      kept[i]!.set('variable', null);
      if (size > 0) {
        const values = valuesOf(value, found);
        const copies = ArrayBuffer.isView(values) && !ours;
        kept[i]!.set(
          'variable',
          yield* settled(copies ? device.upload(values as Float32Array) : device.borrow(values)),
        );
      }
      // a texture of the user's stays the handle until the first step
      if (!ours && (found.values !== value || ArrayBuffer.isView(value))) hand(i);
      for (const { name, initial = 0 } of definition.tensorsOf(i)) {
        if (name !== 'variable') kept[i]!.set(name, size > 0 ? yield* constants.of(size, initial) : null);
      }
    }
  } catch (error) {
    dispose();
    throw error;
  }

  const find = ({ slot, index }: Entry, length?: number): T | null => {
    const size = kept[index]?.has(slot) ? sizes[index] : undefined;
    if (size !== undefined && size === (length ?? size)) return kept[index]!.get(slot) ?? null;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${size}, got ${length}`);
  };

  return {
    sizes,
    handles,
    of: (slot, i) => kept[i]!.get(slot) as T,
    replace,
    *fill(slot, i, value) {
      // those of the host may be written to by callbacks
      const isShared = slot !== 'variable';
      const size = sizes[i]!;
      replace(
        slot,
        i,
        isShared ? yield* constants.of(size, value) : yield* settled(device.run(fill, size, [], [value])),
      );
    },
    averages(action) {
      device.check();
      for (const [i, tensors] of kept.entries()) {
        const average = tensors.get('average');
        if (!average) continue;
        const old = tensors.get('variable') as T;
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

/** Tensors of one number, which slots of a size share, since tensors never change. */
class Constants<T> {
  readonly #device: Device<T>;
  readonly #bySize = new Map<number, Map<number | string, T>>();

  constructor(device: Device<T>) {
    this.#device = device;
  }

  /** The tensor once more, to be freed once more. */
  *of(size: number, value: number): Work<T> {
    let known = this.#bySize.get(size);
    if (known === undefined) this.#bySize.set(size, (known = new Map()));
    const key = Object.is(value, -0) ? '-0' : value;
    let tensor = known.get(key);
    if (tensor === undefined) {
      tensor = yield* settled(this.#device.run(fill, size, [], [value]));
      known.set(key, tensor);
    }
    return this.#device.share(tensor);
  }

  free(): void {
    for (const known of this.#bySize.values()) for (const tensor of known.values()) this.#device.free(tensor);
    this.#bySize.clear();
  }
}
