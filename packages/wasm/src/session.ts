import {
  type Entry,
  type FloatArray,
  type Measured,
  type Program,
  type Session,
  SgdError,
  type SgdErrorCode,
  type Step,
} from '@sgd/core';
import type { Arena } from './arena.ts';
import * as at from './layout.ts';
import { arrayOf, Tensor, tensorOfGradient, type WasmGradient, type WasmVariable } from './tensor.ts';

const OPTIONS = {
  momentum: at.MOMENTUM,
  average: at.AVERAGE,
  accumulator: at.ACCUMULATE,
  none: 0,
  value: at.CLIP_VALUE,
  norm: at.CLIP_NORM,
  'global-norm': at.CLIP_GLOBAL_NORM,
  'gradient-norm': at.GRADIENT_NORM,
  'update-norm': at.UPDATE_NORM,
};

/** Takes the variables, makes zero-filled slots, and lays out in the arena what a step needs. */
export function openSession(
  arena: Arena,
  copyBack: boolean,
  program: Program,
  handles: readonly WasmVariable[],
): Session<WasmVariable, WasmGradient, 'sync'> {
  const { slots, measure, variables, unscale } = program;
  const count = variables.length;
  const options = [...slots, ...measure, program.clip].reduce(
    (all, option) => all | OPTIONS[option],
    (program.nesterov ? at.NESTEROV : 0) |
      (unscale ? at.UNSCALE : 0) |
      (program.finiteCheck ? at.FINITE : 0) |
      (variables.some((v) => v.decays) ? at.DECAY : 0) |
      (variables.some((v) => !v.decays && !v.overwrites) ? at.SPARE : 0),
  );
  // found now: to make room may detach views
  const lent = handles.map((handle) => tensorOfGradient(handle, arena));
  /** The user's own arrays, of which the arena has copies; none for tensors. */
  const arrays = handles.map((handle, i) => (lent[i] ? null : (arrayOf(handle) as Float32Array)));

  // the memory of the variables: start and end of each array in its buffer, one after the other
  const spans = new Map<ArrayBufferLike, number[]>();
  /** Refuses a gradient, or with another code a variable, that lies on a variable, in part at least. */
  const wantApart = (apart: boolean, array: FloatArray | null, i: number, code: SgdErrorCode): void => {
    if (array && spans.size > 0) {
      const { buffer, byteOffset, byteLength } = array;
      const places = spans.get(buffer);
      for (let j = 0; places && j < places.length; j += 2) {
        if (Math.max(places[j]!, byteOffset) < Math.min(places[j + 1]!, byteOffset + byteLength)) apart = false;
      }
    }
    if (!apart) throw new SgdError(code, `"${variables[i]!.path}" shares memory with a variable`);
  };
  const own = new Set<Tensor>();
  arrays.forEach((array, i) => {
    wantApart(!own.has(lent[i]!), array, i, 'SGD_INVALID_OPTION');
    if (array) {
      const { buffer, byteOffset, byteLength } = array;
      spans.set(buffer, [...(spans.get(buffer) ?? []), byteOffset, byteOffset + byteLength]);
    } else own.add(lent[i]!);
  });

  // the numbers, rates and records of a step, in one piece; its places are in words
  const groups = 1 + Math.max(...variables.map((v) => v.group));
  const records = at.NUMBERS + at.RATES * groups;
  const order = records + at.RECORD * count;
  const made: Tensor[] = [];
  const make = (length: number): Tensor => {
    const tensor = new Tensor(arena, [length], length);
    made.push(tensor);
    return tensor;
  };
  const free = (): void => {
    while (made.length > 0) made.pop()!.free();
  };
  const layOut = (): [Tensor, (Tensor | undefined)[][]] => [
    make(order + 2 * count),
    variables.map(({ overwrites }, i) => {
      const { length } = lent[i] ?? arrays[i]!;
      return at.SLOTS.map((slot) => {
        if (slot === 'variable') return lent[i] ?? make(length);
        return slots.has(slot) && (slot === 'accumulator' || !overwrites) ? make(length) : undefined;
      });
    }),
  ];
  let laid: ReturnType<typeof layOut>;
  try {
    laid = layOut();
  } catch (error) {
    free();
    throw error;
  }
  const [{ at: base }, tensors] = laid;
  const word = base / 4;
  const { words } = arena;
  tensors.forEach((all, i) => {
    const { group, decays, overwrites } = variables[i]!;
    const record = word + records + at.RECORD * i;
    all.forEach((tensor, j) => tensor && (words[record + j] = tensor.at));
    words[record + at.SIZE] = 4 * all[0]!.length;
    words[record + at.RATES_AT] = base + 4 * (at.NUMBERS + at.RATES * group);
    words[record + at.OVERWRITES] = overwrites ? 1 : 0;
    words[record + at.DECAYS] = decays ? -1 : 0;
    if (arrays[i]) all[0]!.data.set(arrays[i]);
  });
  /** Copies of gradients that are ordinary arrays. */
  const copies: Tensor[] = [];
  const given: (Tensor | undefined)[] = [];
  let updated = false;

  const wantAttached = (): void => {
    for (let i = 0; i < count; i++) {
      const { at: address, length } = tensors[i]![0]!;
      if (address && (!arrays[i] || arrays[i]!.length === length)) continue;
      throw new SgdError('SGD_DETACHED', `the memory of "${variables[i]!.path}" was freed, detached or resized`);
    }
  };
  const giveBack = (i: number): void => {
    if (copyBack && arrays[i]) arrays[i]!.set(tensors[i]![0]!.data);
  };
  /** Writes a divisor, or its inverse where multiplying by that gives the same bits: whether it is no power of two. */
  const writeDivisor = (to: number, divisor: number): boolean => {
    const { floats, words } = arena;
    floats[to] = divisor;
    if (words[to]! << 9 || words[to]! - 0x800000 >= 0x7e800000) return true;
    floats[to] = 1 / divisor;
    return false;
  };
  /** Writes the numbers of a step; gives the options for it. */
  const write = (step: Step): number => {
    const { floats } = arena;
    floats[word + at.LIMIT] = step.clipLimit;
    floats[word + at.INVERSE] = 1 / step.clipLimit;
    floats[word + at.KEEP] = step.averageMomentum;
    floats[word + at.MIX] = 1 - floats[word + at.KEEP]!;
    let r = word + at.NUMBERS;
    for (let i = 0; i < groups; i++) {
      const { learningRate, momentum, weightDecay } = step.rates[i]!;
      floats[r++] = learningRate;
      floats[r++] = momentum;
      floats[r++] = weightDecay;
    }
    return (
      options |
      (unscale && writeDivisor(word + at.SCALE, step.lossScale) ? at.UNSCALE_DIVIDES : 0) |
      (options & at.ACCUMULATE && writeDivisor(word + at.COUNT, step.accumulationSteps) ? at.MEAN_DIVIDES : 0) |
      (options & at.AVERAGE && step.averageOverwrite ? at.AVERAGE_OVERWRITES : 0)
    );
  };
  /** The values of a slot, of a length if one is given. */
  const find = ({ slot, index }: Entry, length?: number): Float32Array => {
    wantAttached();
    const found = tensors[index]?.[at.SLOTS.indexOf(slot)];
    if (found?.at && found.length === (length ?? found.length)) return found.data;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${found?.length}, got ${length}`);
  };

  return {
    variables: handles,
    step(step, gradients, indices) {
      wantAttached();
      const n = indices.length;
      for (let j = 0; j < n; j++) {
        const gradient = gradients[j]!;
        const tensor = tensorOfGradient(gradient, arena);
        wantApart(!own.has(tensor!), tensor ? null : arrayOf(gradient), indices[j]!, 'SGD_GRADIENT_SHAPE');
        given[j] = tensor;
      }
      for (let j = 0; j < n; j++) given[j] ??= copies[indices[j]!] ??= make(tensors[indices[j]!]![0]!.length);
      const kernel = arena.kernel(write(step));
      const { floats, words } = arena;
      for (let j = 0; j < n; j++) {
        const i = indices[j]!;
        const record = records + at.RECORD * i;
        const { at: address } = given[j]!;
        if (given[j] === copies[i]) floats.set(arrayOf(gradients[j]!), address / 4);
        words[word + record + at.GRADIENT] = address;
        words[word + order + j] = base + 4 * record;
      }
      const { ordinary, phase } = step;
      const updates = phase === 'update';
      const flags = (updates ? at.UPDATE : 0) | (ordinary ? at.ORDINARY : 0);
      if (!kernel(base, base + 4 * records, count, base + 4 * order, n, flags)) return false;
      if (updates && ordinary) updated = true;
      for (let j = 0; j < n; j++) {
        const i = indices[j]!;
        const { overwrites, constraint, shape } = variables[i]!;
        if (constraint && !overwrites) constraint(tensors[i]![0]!.data, shape);
        if (updates || constraint) giveBack(i);
      }
      if (step.averageOverwrite) for (let i = 0; i < count; i++) giveBack(i);
      return true;
    },
    averages(action) {
      wantAttached();
      tensors.forEach(([variable, , , average], i) => {
        if (!average) return;
        const old = variable!.data.slice();
        variable!.data.set(average.data);
        if (action === 'swap') average.data.set(old);
        giveBack(i);
      });
    },
    // copied before the promise is returned
    async read(entries) {
      return entries.map((entry) => find(entry).slice());
    },
    async write(entries) {
      const targets = entries.map((entry) => find(entry, entry.values.length));
      entries.forEach(({ slot, index, values }, j) => {
        targets[j]!.set(values);
        if (slot === 'variable') giveBack(index);
      });
    },
    async measured() {
      const figures: Measured = {};
      const sums = new Float64Array(arena.floats.buffer, base + 4 * at.SQUARES, 4);
      if (updated && measure.has('gradient-norm')) figures.gradientNorm = Math.sqrt(sums[0]! + sums[1]!);
      if (updated && measure.has('update-norm')) figures.updateNorm = Math.sqrt(sums[2]! + sums[3]!);
      return figures;
    },
    dispose() {
      if (made.length === 0) return;
      let lost = false;
      arrays.forEach((array, i) => {
        const [variable] = tensors[i]!;
        if (array?.length === variable!.length) array.set(variable!.data);
        else if (array) lost = true;
      });
      free();
      if (lost)
        throw new SgdError('SGD_DETACHED', 'the array of a variable was detached or resized, and is not written back');
    },
  };
}
