import { type FloatArray, type Measured, ofFixedLength, type Session, SgdError, type Slot, type Step } from '@sgd/core';
import { type Arena, column, destroy, find, flip, layOut, newArena, rangeOf } from './arena.ts';
import { deviceOf, newGuarded } from './device.ts';
import { type Engine, enqueue, load, unload } from './engine.ts';
import { type Copies, download, type GpuBuffer, type GpuDevice, newBuffer, newCopies } from './gpu.ts';
import { gpuModel, type Kind, type Model, needs } from './models.ts';
import { divisor, factor, numbersOf, roundedSums } from './numbers.ts';
import type { OrtSession, OrtTensor, OrtTensors } from './ort.ts';
import { arrayOf, onGpu, type OnnxTensor, sizeOf } from './tensor.ts';
import type { SGDProgram } from './sgd-program.ts';

const LETTERS: Readonly<Record<Slot, string>> = {
  variable: 'x',
  momentum: 'm',
  gradient_accumulator: 'v',
  average: 'a',
};
const bufferOf = (tensor: OrtTensor): GpuBuffer => tensor.gpuBuffer as GpuBuffer;
const total = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0);

/** The optimizer whose values are in a buffer: two may have one as their variable. */
const publishers = new WeakMap<GpuBuffer, object>();

/** Takes variables to the GPU, where they stay. */
export async function openGpu(
  engine: Engine,
  program: SGDProgram,
  given: readonly OnnxTensor[],
): Promise<Session<OnnxTensor, OnnxTensor, 'async'>> {
  const { ort } = engine;
  const { clip, measure, slots, variables } = program;
  let device: GpuDevice;
  const loaded = new Map<Kind, { readonly model: Model; readonly session: OrtSession }>();
  const arenas: Partial<Record<Slot, Arena>> = {};
  let gradients: Arena | undefined;
  const dispose = async (): Promise<void> => {
    for (const arena of [gradients, ...Object.values(arenas)]) if (arena) destroy(arena);
    const models = [...loaded.values()];
    loaded.clear();
    for (const { model } of models) await unload(engine, model.bytes);
  };
  try {
    for (const kind of needs(program, true)) {
      const model = gpuModel(kind, program);
      loaded.set(kind, { model, session: await load(engine, model.bytes) });
    }
    device = await deviceOf(engine);
  } catch (error) {
    await dispose();
    throw error;
  }
  const guarded = newGuarded(engine, device);

  const layout = layOut(variables.map(({ shape }) => sizeOf(shape)));
  const range = (buffer: GpuBuffer, i: number): ReturnType<typeof rangeOf> => rangeOf(layout, buffer, i);
  gradients = newArena(ort, device, layout, false);
  arenas.variable = newArena(ort, device, layout, true);
  for (const slot of slots) arenas[slot] = newArena(ort, device, layout, true);
  const {
    variable,
    momentum,
    gradient_accumulator: accumulator,
    average,
  } = arenas as Readonly<Record<'variable' | 'average', Arena>> &
    Readonly<Partial<Record<'momentum' | 'gradient_accumulator', Arena>>>;
  const last: Measured = {};

  // ONNX Runtime gives the device up with its last session: each handle that we make keeps one loaded until it is freed
  const anchor = loaded.get('update')!.model.bytes;
  const handles = given.map((handle, i): OrtTensor => {
    if (onGpu(handle)) return handle;
    load(engine, anchor).catch(() => {});
    const { shape } = variables[i]!;
    const buffer = newBuffer(device, layout.sizes[i]! * 4);
    return ort.Tensor.fromGpuBuffer!(buffer, {
      dataType: 'float32',
      dims: shape,
      download: async () => (await download(device, [{ buffer, offset: 0, bytes: sizeOf(shape) * 4 }]))[0] as never,
      dispose() {
        buffer.destroy();
        void enqueue(ort, () => unload(engine, anchor));
      },
    });
  });
  const buffers = handles.map(bufferOf);
  /** Brings the values of variables to where the user sees them. */
  const publish = (): void => {
    const copies = newCopies(device);
    buffers.forEach((buffer, i) => {
      copies.copy(range(variable.buffer, i), buffer, 0);
      publishers.set(buffer, layout);
    });
    copies.submit();
  };
  /** Takes over what other optimizers made of variables. */
  const catchUp = (): void => {
    handles.forEach((handle, i) => {
      if (publishers.get(buffers[i]!) !== layout) upload(handle, variable.buffer, i);
    });
  };
  const upload = (tensor: OnnxTensor, to: GpuBuffer, i: number): void => {
    const { offset, bytes } = range(to, i);
    if (onGpu(tensor)) {
      const copies = newCopies(device);
      copies.copy({ buffer: bufferOf(tensor), offset: 0, bytes }, to, offset);
      copies.submit();
    } else device.queue.writeBuffer(to, offset, ofFixedLength(arrayOf(tensor)));
  };
  given.forEach((handle, i) => upload(handle, variable.buffer, i));
  publish();

  /** Runs a model. The new values stand in the other memory of an arena, which is among the `changed` from then on and is read there. */
  const run = async (
    kind: Kind,
    numbers: Readonly<Record<string, Float32Array>>,
    changed: Set<Arena>,
  ): Promise<OrtTensors> => {
    const { model, session } = loaded.get(kind)!;
    const feeds: Record<string, OrtTensor> = {};
    const fetches: Record<string, OrtTensor | null> = {};
    const named: Record<string, Arena> = { g: gradients! };
    for (const [slot, letter] of Object.entries(LETTERS)) named[letter] = arenas[slot as Slot]!;
    for (const name of model.arrays) {
      const arena = named[name]!;
      feeds[name] = changed.has(arena) ? arena.other!.tensor : arena.tensor;
    }
    for (const name of model.numbers)
      feeds[name] = new ort.Tensor('float32', numbers[name]!, [numbers[name]!.length, 1]);
    for (const name of model.outputs) fetches[name] = name.endsWith('_') ? named[name[0]!]!.other!.tensor : null;
    const figures = await session.run(feeds, fetches);
    for (const name of model.outputs) if (name.endsWith('_')) changed.add(named[name[0]!]!);
    return figures;
  };

  /** Refuses an array that has another length than it had when it was checked. */
  const wantLength = (gradient: OnnxTensor, i: number): void => {
    if (onGpu(gradient) || (gradient as FloatArray).length === layout.sizes[i]) return;
    throw new SgdError('SGD_DETACHED', `the memory of the gradient of "${variables[i]!.path}" was detached or resized`);
  };

  /** The sums of squares in rows, by variable. */
  const byVariable = (rows: Float32Array): number[] =>
    layout.starts.map((start, i) => total(rows.subarray(start, layout.starts[i + 1] ?? layout.owners.length)));

  const step = async (now: Step, taken: readonly OnnxTensor[], indices: readonly number[]): Promise<boolean> => {
    // arrays are read once: a getter of the caller's may detach any of them
    const values = taken.map((tensor) => (onGpu(tensor) ? tensor : arrayOf(tensor)));
    indices.forEach((i, j) => wantLength(values[j]!, i));
    const updates = now.phase === 'update';
    const given = new Set(indices);
    const missing = variables.map((_, i) => i).filter((i) => !given.has(i));
    const changed = new Set<Arena>();
    const before = newCopies(device);
    for (const i of missing) before.clear(range(gradients!.buffer, i));
    if (updates && accumulator && missing.length > 0) {
      // what a variable without gradient has accumulated is of no more use, and no part of a norm
      variables.forEach((_, i) => keep(before, accumulator, i));
      for (const i of missing) before.clear(range(accumulator.other!.buffer, i));
      changed.add(accumulator);
    }
    before.submit();
    indices.forEach((i, j) => upload(values[j]!, gradients!.buffer, i));

    const rates = variables.map(({ group }) => numbersOf(now, group, 'float32'));
    const numbers: Record<string, Float32Array> = {};
    for (const name in rates[0]) {
      numbers[name] = column(layout, program, (i) => (name === 'wd' && !variables[i]!.decays ? 0 : rates[i]![name]!));
    }
    let sums: number[] = [];
    const look = updates && loaded.has('norm') ? 'norm' : 'finite';
    if (loaded.has(look)) {
      const { bad, sum } = await run(look, numbers, changed);
      if (bad && total(bad.data as Float32Array) > 0) return false;
      if (sum) sums = byVariable(sum.data as Float32Array);
    }
    const squares = roundedSums(program, sums, 'float32');
    if (program.finiteCheck && !squares.every(Number.isFinite)) return false;
    if (clip === 'global-norm') numbers['f'] = Float32Array.of(factor(squares[0]!, now.clipLimit, 'float32'));
    if (clip === 'norm') numbers['d'] = column(layout, program, (i) => divisor(sums[i] ?? 0, now.clipLimit, 'float32'));

    const { moved } = await run(updates ? 'update' : 'accumulate', numbers, changed);
    const kept = newCopies(device);
    for (const arena of updates ? [variable, momentum] : [accumulator])
      if (arena) for (const i of missing) keep(kept, arena, i);
    kept.submit();
    if (average) await run('average', numbers, changed);

    // nothing was changed so far
    for (const arena of changed) flip(arena);
    const after = newCopies(device);
    if (updates && accumulator) variables.forEach((_, i) => after.clear(range(accumulator.buffer, i)));
    after.submit();
    const ofGiven = (all: readonly number[]): number => Math.sqrt(total(indices.map((i) => all[i]!)));
    if (updates && measure.has('gradient-norm')) last.gradientNorm = ofGiven(sums);
    if (moved) last.updateNorm = ofGiven(byVariable(moved.data as Float32Array));
    if (now.averageOverwrite) assign();
    publish();
    return true;
  };

  /** The old values of variable `i` stay, also among the new ones. */
  const keep = (copies: Copies, { buffer, other }: Arena, i: number): void =>
    copies.copy(range(buffer, i), other!.buffer, range(buffer, i).offset);

  const assign = (): void => {
    const copies = newCopies(device);
    variables.forEach((_, i) =>
      copies.copy(range(average.buffer, i), variable.buffer, range(variable.buffer, i).offset),
    );
    copies.submit();
  };

  return {
    variables: handles,
    step: (now, taken, indices) =>
      guarded(() => {
        catchUp();
        return step(now, taken, indices);
      }),
    averages: (action) =>
      guarded(async () => {
        catchUp();
        if (action === 'assign') assign();
        else {
          const { buffer, tensor } = variable;
          Object.assign(variable, { buffer: average.buffer, tensor: average.tensor });
          Object.assign(average, { buffer, tensor });
        }
        publish();
      }),
    read: (entries) =>
      guarded(async () => {
        catchUp();
        return download(
          device,
          entries.map((entry) => find(arenas, layout, entry)),
        );
      }),
    write: (entries) =>
      guarded(async () => {
        const ranges = entries.map((entry) => find(arenas, layout, entry, entry.values.length));
        catchUp();
        ranges.forEach(({ buffer, offset }, j) =>
          device.queue.writeBuffer(buffer, offset, Float32Array.from(entries[j]!.values)),
        );
        publish();
      }),
    measured: async () => ({ ...last }),
    dispose: () => enqueue(ort, dispose),
  };
}
