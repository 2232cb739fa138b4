import type { DType, FloatArray, Measured, Session, Step } from '@sgd/core';
import { blocksOf, CHUNK, endOf, newArray, type Piece, piecesOf } from './blocks.ts';
import { type Engine, enqueue } from './engine.ts';
import { newGuard } from './guard.ts';
import { type Kernel, loadKernel } from './kernel.ts';
import { cut, gather, newMemory, scatter } from './memory.ts';
import { hostModel, type Kind, needs } from './models.ts';
import { divisor, factor, isMixed, newNumbers, type Numbers, numbersOf, roundedSums } from './numbers.ts';
import type { OrtTensor, OrtTensors } from './ort.ts';
import { arrayOf, inRealm, type OnnxTensor } from './tensor.ts';
import type { SGDProgram } from './sgd-program.ts';

/** What blocks of a kind have in common: what is run on them, and with which numbers. */
interface Runner {
  readonly dtype: DType;
  readonly group: number;
  readonly numbers: Numbers;
  readonly kernels: Readonly<Partial<Record<Kind, Kernel>>>;
  /** Room for what does not lie one behind the other where ONNX Runtime takes it: values, gradients, and what these are divided by. */
  readonly rooms: Readonly<Record<'x' | 'g' | 'd', FloatArray>>;
}

const isShared = ({ buffer }: FloatArray): boolean => buffer[Symbol.toStringTag] === 'SharedArrayBuffer';
const numberIn = (figures: OrtTensors, name: string): number => (figures[name]!.data as FloatArray)[0]!;

/** Takes variables in arrays of the caller, which change all at once when a step has succeeded. */
export async function openHost(
  engine: Engine,
  program: SGDProgram,
  handles: readonly OnnxTensor[],
): Promise<Session<OnnxTensor, OnnxTensor, 'async'>> {
  const { ort } = engine;
  const { clip, measure, slots, variables } = program;
  const values = handles.map((handle) => inRealm(arrayOf(handle)));
  const guard = newGuard(program, values);
  const blocks = blocksOf(program, values);
  const memory = newMemory(ort, program, values, blocks);
  const whole = piecesOf(blocks, () => true);
  const kinds = needs(program);
  const loaded: Kernel[] = [];
  const runners = new Map<string, Runner>();
  const last: Measured = {};

  const dispose = async (): Promise<void> => {
    for (const kernel of loaded.splice(0)) await kernel.dispose();
  };
  try {
    for (const { kind: of, parts } of blocks) {
      if (runners.has(of)) continue;
      const { dtype, decays, group } = variables[parts[0]!.variable]!;
      const kernels: Partial<Record<Kind, Kernel>> = {};
      for (const kind of kinds) {
        loaded.push((kernels[kind] = await loadKernel(engine, hostModel(kind, program, dtype, decays))));
      }
      const room = (): FloatArray => newArray(dtype, CHUNK);
      const rooms = { x: room(), g: room(), d: room() };
      runners.set(of, { dtype, group, numbers: newNumbers(ort, dtype, program), kernels, rooms });
    }
  } catch (error) {
    await dispose();
    throw error;
  }

  /** Runs a piece, and changes nothing. `given` has the gradients by variable, `sums` their squares; `x` are values that are not yet in place. */
  const run = async (
    kind: Kind,
    piece: Piece,
    x?: OrtTensor,
    given: readonly FloatArray[] = [],
    sums: readonly number[] = [],
    limit = 0,
  ): Promise<OrtTensors> => {
    const { block, parts } = piece;
    const { dtype, numbers, kernels, rooms } = runners.get(block.kind)!;
    const kernel = kernels[kind]!;
    const { arrays, numbers: wanted } = kernel.model;
    const length = endOf(parts) - parts[0]!.at;
    const tensor = (from: readonly FloatArray[], room: FloatArray): OrtTensor => {
      const [first, ...others] = from as [FloatArray, ...FloatArray[]];
      const direct = others.length === 0 && !isShared(first);
      return new ort.Tensor(dtype, direct ? first : gather(from, room).subarray(0, length), [length]);
    };
    const feeds: Record<string, OrtTensor> = { ...numbers.tensors, ...memory.slots(piece) };
    if (arrays.includes('x')) feeds['x'] = x ?? tensor(cut(parts, values), rooms.x);
    if (arrays.includes('g')) feeds['g'] = tensor(cut(parts, given), rooms.g);
    if (parts.length === 1) numbers.set({ d: divisor(sums[parts[0]!.variable]!, limit, dtype) });
    else if (wanted.includes('d')) {
      for (const { variable, start, end, at } of parts)
        rooms.d.fill(divisor(sums[variable]!, limit, dtype), at, at + end - start);
      feeds['d'] = new ort.Tensor(dtype, rooms.d.subarray(parts[0]!.at, endOf(parts)), [length]);
    }
    return kernel.run(feeds);
  };

  const apart = clip === 'norm' || isMixed(program);
  /** Looks at all gradients: the sums of their squares by variable (by piece, if only their total is wanted), or `null`. */
  const look = async (pieces: readonly Piece[], given: readonly FloatArray[], kind: Kind): Promise<number[] | null> => {
    const sums: number[] = [];
    for (const { block, parts } of pieces) {
      for (const looked of apart ? parts.map((part) => [part]) : [parts]) {
        const figures = await run(kind, { block, parts: looked }, undefined, given);
        if (figures['bad'] && numberIn(figures, 'bad') !== 0) return null;
        const { variable } = looked[0]!;
        if (figures['sum']) sums[variable] = (sums[variable] ?? 0) + numberIn(figures, 'sum');
      }
    }
    return sums;
  };

  const step = async (now: Step, gradients: readonly OnnxTensor[], indices: readonly number[]): Promise<boolean> => {
    const given: FloatArray[] = [];
    // all arrays first: a getter of the caller's may detach any of them
    indices.forEach((i, j) => (given[i] = arrayOf(gradients[j]!)));
    guard.attached();
    for (const i of indices) {
      guard.gradient(given[i]!, i);
      given[i] = inRealm(given[i]!);
    }
    const updates = now.phase === 'update';
    const pieces = indices.length === variables.length ? whole : piecesOf(blocks, (i) => given[i] !== undefined);
    for (const { dtype, group, numbers } of runners.values()) numbers.set(numbersOf(now, group, dtype));

    const replaced = indices.filter((i) => variables[i]!.overwrites);
    if (program.finiteCheck && replaced.some((i) => !given[i]!.every(Number.isFinite))) return false;
    const looks = updates && kinds.includes('norm') ? 'norm' : 'finite';
    const sums = kinds.includes(looks) ? await look(pieces, given, looks) : [];
    if (!sums) return false;

    const widest = pieces.some(({ block }) => runners.get(block.kind)!.dtype === 'float64') ? 'float64' : 'float32';
    const squares = updates ? roundedSums(program, sums, widest) : [];
    if (program.finiteCheck && !squares.every(Number.isFinite)) return false;
    for (const { numbers } of runners.values()) numbers.set({ f: factor(squares[0] ?? 0, now.clipLimit, widest) });
    const averages = now.ordinary && slots.has('average');
    const made: (readonly [Piece, OrtTensors])[] = [];
    let moved = 0;
    for (const piece of pieces) {
      const tensors = await run(updates ? 'update' : 'accumulate', piece, undefined, given, sums, now.clipLimit);
      made.push([piece, tensors]);
      if (tensors['moved']) moved += numberIn(tensors, 'moved');
      if (averages && updates) made.push([piece, await run('average', piece, tensors['x_'])]);
    }
    const still = updates ? piecesOf(blocks, (i) => given[i] === undefined) : whole;
    if (averages) for (const piece of still) made.push([piece, await run('average', piece)]);

    // nothing was changed so far, and from here on nothing is waited for and nothing can fail
    guard.attached();
    for (const i of replaced) overwrite(i, given[i]!, updates);
    if (!now.ordinary) return true;
    for (const [piece, tensors] of made) memory.put(piece, tensors);
    if (updates) {
      memory.forget();
      if (measure.has('gradient-norm')) last.gradientNorm = Math.sqrt(sums.reduce((all, each) => all + each, 0));
      if (measure.has('update-norm')) last.updateNorm = Math.sqrt(moved);
    }
    if (now.averageOverwrite) average('assign');
    for (const i of indices) if (!variables[i]!.overwrites) variables[i]!.constraint?.(values[i]!, variables[i]!.shape);
    return true;
  };

  /** A gradient in place of a value: at once, or, where gradients are accumulated, the largest of them. */
  const overwrite = (i: number, gradient: FloatArray, updates: boolean): void => {
    const largest = slots.has('gradient_accumulator')
      ? memory.find({ slot: 'gradient_accumulator', index: i })[0]
      : undefined;
    largest?.forEach((value, e) => (largest[e] = Math.max(gradient[e]!, value)));
    if (updates) values[i]!.set(largest ?? gradient);
    if (updates) largest?.fill(0);
  };

  const average = (action: 'assign' | 'swap'): void =>
    values.forEach((x, index) => {
      if (variables[index]!.overwrites) return;
      const arrays = memory.find({ slot: 'average', index });
      const averages = gather(arrays, x.slice());
      if (action === 'swap') scatter(x, arrays);
      x.set(averages);
    });

  return {
    variables: handles,
    step: (now, gradients, indices) => enqueue(ort, () => step(now, gradients, indices)),
    async averages(action) {
      guard.attached();
      average(action);
    },
    // copied before the promise is returned
    async read(entries) {
      guard.attached();
      return entries.map((entry) => {
        const arrays = memory.find(entry);
        const length = arrays.reduce((sum, each) => sum + each.length, 0);
        return gather(arrays, newArray(variables[entry.index]!.dtype, length));
      });
    },
    async write(entries) {
      guard.attached();
      const targets = entries.map((entry) => memory.find(entry, entry.values.length));
      targets.forEach((target, i) => scatter(entries[i]!.values, target));
    },
    measured: async () => ({ ...last }),
    dispose: () => enqueue(ort, dispose),
  };
}
