import type { DType, FloatArray, Measured, Program, Session, Step } from '@sgd/core';
import { blocksOf, CHUNK, newArray, type Piece, piecesOf } from './blocks.ts';
import { type Engine, enqueue } from './engine.ts';
import { newGuard } from './guard.ts';
import { type Kernel, loadKernel } from './kernel.ts';
import { newMemory } from './memory.ts';
import { hostModel, type Kind, needs } from './models.ts';
import { divisor, factor, newNumbers, type Numbers, numbersOf } from './numbers.ts';
import type { OrtTensors } from './ort.ts';
import { arrayOf, type OnnxTensor } from './tensor.ts';

/** What blocks of a kind have in common: what is run on them, and with which numbers. */
interface Runner {
  readonly dtype: DType;
  readonly group: number;
  readonly numbers: Numbers;
  readonly kernels: Readonly<Partial<Record<Kind, Kernel>>>;
  /** Room for a piece: gradients that do not lie one behind the other, and what they are divided by. */
  readonly gradient: FloatArray;
  readonly divisors: FloatArray;
}

const isShared = ({ buffer }: FloatArray): boolean => buffer[Symbol.toStringTag] === 'SharedArrayBuffer';
const numberIn = (figures: OrtTensors, name: string): number => (figures[name]!.data as FloatArray)[0]!;

/** Takes variables in arrays of the caller, to be updated in place, piece by piece. */
export async function openHost(
  engine: Engine,
  program: Program,
  handles: readonly OnnxTensor[],
): Promise<Session<OnnxTensor, OnnxTensor, 'async'>> {
  const { ort } = engine;
  const { clip, measure, slots, variables } = program;
  const values = handles.map(arrayOf);
  const guard = newGuard(program, values);
  const blocks = blocksOf(program, values);
  const memory = newMemory(ort, program, values, blocks);
  const { accumulator, average } = memory.arrays;
  const whole = piecesOf(blocks, () => true);
  const loaded: Kernel[] = [];
  const runners = new Map<string, Runner>();
  const last: Measured = {};

  const dispose = async (): Promise<void> => {
    for (const kernel of loaded.splice(0)) await kernel.dispose();
  };
  try {
    for (const {
      kind: of,
      variables: [first],
    } of blocks) {
      if (runners.has(of)) continue;
      const { dtype, decays, group } = variables[first!]!;
      const kernels: Partial<Record<Kind, Kernel>> = {};
      for (const kind of needs(program)) {
        loaded.push((kernels[kind] = await loadKernel(engine, hostModel(kind, program, dtype, decays), dtype)));
      }
      const [gradient, divisors] = [newArray(dtype, CHUNK), newArray(dtype, CHUNK)];
      runners.set(of, { dtype, group, numbers: newNumbers(ort, dtype), kernels, gradient, divisors });
    }
  } catch (error) {
    await dispose();
    throw error;
  }

  /** Runs a piece; `given` has the gradients by variable, `sums` their squares. Gives the figures of the run. */
  const run = async (
    kind: Kind,
    piece: Piece,
    given: readonly FloatArray[] = [],
    sums: readonly number[] = [],
    limit = 0,
  ): Promise<OrtTensors> => {
    const { dtype, numbers, kernels, gradient, divisors } = runners.get(piece.block.kind)!;
    const kernel = kernels[kind]!;
    const { model } = kernel;
    const { tensors, parts } = memory.open(piece);
    const [{ variable, start, end }] = parts as [(typeof parts)[number]];
    const length = piece.to - piece.from;
    const feeds = { ...tensors, ...numbers.tensors };
    if (model.arrays.includes('g')) {
      let g = given[variable]!.subarray(start, end);
      if (parts.length > 1 || isShared(g)) {
        for (const part of parts)
          gradient.set(given[part.variable]!.subarray(part.start, part.end), part.at - piece.from);
        g = gradient.subarray(0, length);
      }
      feeds['g'] = new ort.Tensor(dtype, g, [length]);
    }
    if (model.numbers.includes('d')) {
      if (parts.length === 1) numbers.set({ d: divisor(sums[variable]!, limit, dtype) });
      else {
        for (const part of parts) {
          const at = part.at - piece.from;
          divisors.fill(divisor(sums[part.variable]!, limit, dtype), at, at + part.end - part.start);
        }
        feeds['d'] = new ort.Tensor(dtype, divisors.subarray(0, length), [length]);
      }
    }
    if (model.arrays.includes('x')) memory.move(piece, false);
    const figures = await kernel.run(feeds);
    if (model.outputs.includes('x_')) memory.move(piece, true);
    return figures;
  };

  /** Looks at all gradients: the sums of their squares by variable (by piece, if only their total is wanted), or `null`. */
  const look = async (pieces: readonly Piece[], given: readonly FloatArray[], kind: Kind): Promise<number[] | null> => {
    const sums: number[] = [];
    for (const piece of pieces) {
      const parts = clip === 'norm' ? memory.open(piece).parts : [];
      const looked =
        parts.length > 1 ? parts.map(({ start, end, at }) => ({ ...piece, from: at, to: at + end - start })) : [piece];
      for (const each of looked) {
        const figures = await run(kind, each, given);
        if (figures['bad'] && numberIn(figures, 'bad') !== 0) return null;
        const { variable } = memory.open(each).parts[0]!;
        if (figures['sum']) sums[variable] = (sums[variable] ?? 0) + numberIn(figures, 'sum');
      }
    }
    return sums;
  };

  const step = async (now: Step, gradients: readonly OnnxTensor[], indices: readonly number[]): Promise<boolean> => {
    const given: FloatArray[] = [];
    guard.attached();
    indices.forEach((i, j) => guard.apart((given[i] = arrayOf(gradients[j]!)), i));
    const updates = now.phase === 'update';
    const pieces = indices.length === variables.length ? whole : piecesOf(blocks, (i) => given[i] !== undefined);
    for (const { dtype, group, numbers } of runners.values()) numbers.set(numbersOf(now, group, dtype));

    const replaced = indices.filter((i) => variables[i]!.overwrites);
    if (program.finiteCheck && replaced.some((i) => !given[i]!.every(Number.isFinite))) return false;
    const kinds = needs(program);
    const looks = updates && kinds.includes('norm') ? 'norm' : 'finite';
    const sums = kinds.includes(looks) ? await look(pieces, given, looks) : [];
    if (!sums) return false;

    for (const i of replaced) overwrite(i, given[i]!, updates);
    if (!now.ordinary) return true;
    const sum = sums.reduce((all, each) => all + each, 0);
    for (const { dtype, numbers } of runners.values()) numbers.set({ f: factor(sum, now.clipLimit, dtype) });
    let moved = 0;
    for (const piece of pieces) {
      const figures = await run(updates ? 'update' : 'accumulate', piece, given, sums, now.clipLimit);
      if (figures['moved']) moved += numberIn(figures, 'moved');
    }
    if (updates) {
      for (const array of accumulator) array?.fill(0);
      if (measure.has('gradient-norm')) last.gradientNorm = Math.sqrt(sum);
      if (measure.has('update-norm')) last.updateNorm = Math.sqrt(moved);
    }
    if (slots.has('average')) {
      for (const piece of whole) await run('average', piece);
      if (now.averageOverwrite) average.forEach((a, i) => values[i]!.set(a));
    }
    for (const i of indices) if (!variables[i]!.overwrites) variables[i]!.constraint?.(values[i]!, variables[i]!.shape);
    return true;
  };

  /** A gradient in place of a value: at once, or, where gradients are accumulated, the largest of them. */
  const overwrite = (i: number, gradient: FloatArray, updates: boolean): void => {
    const largest = accumulator[i];
    largest?.forEach((value, e) => (largest[e] = Math.max(gradient[e]!, value)));
    if (updates) values[i]!.set(largest ?? gradient);
    if (updates) largest?.fill(0);
  };

  return {
    variables: handles,
    step: (now, gradients, indices) => enqueue(ort, () => step(now, gradients, indices)),
    async averages(action) {
      guard.attached();
      average.forEach((a, i) => {
        const old = values[i]!.slice();
        values[i]!.set(a);
        if (action === 'swap') a.set(old);
      });
    },
    // copied before the promise is returned
    async read(entries) {
      guard.attached();
      return entries.map((entry) => memory.find(entry).slice());
    },
    async write(entries) {
      guard.attached();
      const targets = entries.map((entry) => memory.find(entry, entry.values.length));
      targets.forEach((target, i) => target.set(entries[i]!.values));
    },
    measured: async () => ({ ...last }),
    dispose: () => enqueue(ort, dispose),
  };
}
