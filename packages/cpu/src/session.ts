import {
  type Entry,
  type FloatArray,
  type Measured,
  type Program,
  type Session,
  SgdError,
  type SgdErrorCode,
  type Slot,
  Spans,
} from '@sgd/core';
import { compose } from './compose.ts';
import { float32 } from './float32.ts';
import { float64 } from './float64.ts';
import {
  BLOCK,
  COUNT,
  FACTOR,
  FIGURES,
  FINITE,
  GRADIENT,
  GROUPS,
  KEEP,
  LIMIT,
  type List,
  MIX,
  NORM,
  nothing,
  OVERWRITE,
  SCALE,
  SMALL,
  UPDATE,
} from './plan.ts';
import { arrayOf, type CpuGradient, type CpuVariable } from './tensor.ts';

/** Arrays of both types. */
const both = (length: number): readonly [Float32Array, Float64Array] => [
  new Float32Array(length),
  new Float64Array(length),
];

/** Takes the place of a gradient that was used. */
const none = new Float32Array(0);

/** Takes the variables, makes zero-filled slots, and composes what is run for each. */
export function openSession(
  program: Program,
  handles: readonly CpuVariable[],
): Session<CpuVariable, CpuGradient, 'sync'> {
  const { clip, finiteCheck, slots, measure, variables } = program;
  const count = variables.length;
  const variable = handles.map(arrayOf);

  // the memory of the variables
  const spans = new Spans();
  /** Refuses an array for variable `i` that lies on a variable, in part at least. */
  const wantApart = (apart: boolean, i: number, code: SgdErrorCode): void => {
    if (!apart) throw new SgdError(code, `"${variables[i]!.path}" shares memory with a variable`);
  };
  variable.forEach((x, i) => wantApart(spans.add(x), i, 'SGD_INVALID_OPTION'));

  const sizes = variable.map((x) => x.length);
  // `false` for what a variable does not have; no stage that needs it is run then
  const slot = (kind: Exclude<Slot, 'variable'>): FloatArray[] =>
    variables.map(
      (v, i) => slots.has(kind) && (kind === 'accumulator' || !v.overwrites) && variable[i]!.slice().fill(0),
    ) as FloatArray[];
  const momentum = slot('momentum');
  const accumulator = slot('accumulator');
  const average = slot('average');
  const tensors = { variable, momentum, accumulator, average };

  // by type: float32, float64
  const types = variables.map((v): 0 | 1 => (v.dtype === 'float64' ? 1 : 0));
  const rates = variables.map((v) => GROUPS + 3 * v.group);
  const k = both(3 + Math.max(...rates));
  const q = both(BLOCK);
  const sums = both(BLOCK);
  const w = both(FIGURES)[1];
  /** Sums of squares of the gradients, in the widest type. */
  const norms = both(count)[Math.max(...types)]!;

  const lists = variables.map((v, i) => compose(program, v, types[i] ? float64 : float32));
  // gradients that were found to lie apart; only small ones are kept, for which asking again would cost more than the step
  const apart: unknown[] = [];
  const constraints = variables.map((v) => (v.overwrites ? null : v.constraint));
  /** Which variables are given, while a step goes on that leaves some out. */
  const named = new Uint8Array(count);
  /** The arrays of the step under way. The list is kept, so that a step allocates nothing, and small arrays with it. */
  const given: FloatArray[] = [];
  let updated = false;

  /** Refuses an array that does not have the length of variable `i` any more. */
  const wantLength = (array: FloatArray, i: number, what: string): void => {
    if (array.length !== sizes[i]) {
      throw new SgdError('SGD_DETACHED', `the memory of ${what}"${variables[i]!.path}" was detached or resized`);
    }
  };
  const wantAttached = (): void => {
    for (let i = 0; i < count; i++) wantLength(variable[i]!, i, '');
  };

  /** The values of a slot, of a length if one is given. */
  const find = ({ slot: kind, index }: Entry, length?: number): FloatArray => {
    wantAttached();
    const found = tensors[kind][index];
    if (found && found.length === (length ?? found.length)) return found;
    throw new SgdError('SGD_STATE_MISMATCH', `${kind} ${index} is of length ${found?.length}, got ${length}`);
  };

  /**
   * Runs stages over elements `from` to `to` of variable `i`, block by block.
   * Returns the gradient that they made of the last block, or the one given.
   */
  const run = (list: List, i: number, gradient: FloatArray, from = 0, to = sizes[i]!): FloatArray => {
    const t = types[i]!;
    let g = gradient;
    for (; from < to; from += BLOCK) {
      const e = Math.min(from + BLOCK, to);
      let o = 0;
      g = gradient;
      for (let j = 0; j < list.length; j++) {
        const made = list[j]!(
          variable[i]!,
          momentum[i]!,
          accumulator[i]!,
          average[i]!,
          q[t],
          k[t],
          rates[i]!,
          w,
          g,
          o,
          from,
          e,
        );
        if (made) {
          g = made;
          o = from;
        }
      }
    }
    return g;
  };

  /**
   * Leaves in `sums[d]` the sum over `n` elements of what stages make of the gradient, in numpy's pairwise order: a range is halved
   * down to 128 elements; those are taken by eight sums, each a place in `sums` further on.
   */
  const sum = (list: List, i: number, g: FloatArray, from: number, n: number, d: number): void => {
    const s = sums[types[i]!]!;
    if (n > 128) {
      const half = (n >> 1) & ~7;
      sum(list, i, g, from, half, d);
      sum(list, i, g, from + half, n - half, d + 1);
      s[d]! += s[d + 1]!;
      return;
    }
    const a = run(list, i, g, from, from + n);
    let j = a === g ? from : 0;
    const e = j + n;
    for (let t = 0; t < 8; t++) s[d + t] = 0;
    for (; j + 7 < e; j += 8) {
      s[d]! += a[j]!;
      s[d + 1]! += a[j + 1]!;
      s[d + 2]! += a[j + 2]!;
      s[d + 3]! += a[j + 3]!;
      s[d + 4]! += a[j + 4]!;
      s[d + 5]! += a[j + 5]!;
      s[d + 6]! += a[j + 6]!;
      s[d + 7]! += a[j + 7]!;
    }
    for (let t = 1; t < 8; t *= 2) for (let u = 0; u < 8; u += 2 * t) s[d + u]! += s[d + u + t]!;
    for (; j < e; j++) s[d]! += a[j]!;
  };

  return {
    variables: handles,
    step(step, gradients, indices) {
      // all arrays first: a getter of the caller's may detach any of them
      for (let j = 0; j < indices.length; j++) {
        const g = arrayOf(gradients[j]!);
        if (given[j] !== g) given[j] = g;
      }
      wantAttached();
      for (const typed of k) {
        typed[SCALE] = step.lossScale;
        typed[COUNT] = step.accumulationSteps;
        typed[LIMIT] = step.clipLimit;
        typed[KEEP] = step.averageMomentum;
        typed[MIX] = typed[KEEP]! - 1;
        let r = GROUPS;
        for (const { learningRate, momentum, weightDecay } of step.rates) {
          typed[r++] = learningRate;
          typed[r++] = momentum;
          typed[r++] = weightDecay;
        }
      }
      const way = step.phase === 'update' ? 1 : 0;
      const reduces = way > 0 && clip.endsWith('norm');
      let taken = 0;
      let widest = -1;
      w[FINITE] = 0;
      for (let j = 0; j < indices.length; j++) {
        const i = indices[j]!;
        const g = given[j]!;
        wantLength(g, i, 'the gradient of ');
        if (apart[i] !== g) wantApart(!spans.meets(g), i, 'SGD_GRADIENT_SHAPE');
        apart[i] = g.length > SMALL || g;
        if (!reduces || lists[i]![5]!.length === 0) {
          if (finiteCheck) run(lists[i]![4]!, i, g);
        } else {
          sum(lists[i]![5]!, i, g, 0, sizes[i]!, 0);
          const squares = sums[types[i]!][0]!;
          norms[clip === 'norm' ? j : taken++] = squares;
          if (finiteCheck) w[FINITE]! += squares - squares;
          if (widest < 0 || types[i]) widest = i;
        }
      }
      if (widest >= 0) {
        const s = sums[types[widest]!]!;
        sum(nothing, widest, norms, 0, taken, 0);
        s[0] = Math.sqrt(s[0]!);
        if (finiteCheck) w[FINITE]! += s[0] - s[0];
        s[1] = 1 / s[0];
        s[2] = 1 / step.clipLimit;
        s[0] = k[types[widest]!]![LIMIT]! * Math.min(s[1], s[2]) + (s[0] - s[0]);
        w[FACTOR] = s[0]!;
      }
      if (w[FINITE] !== 0) {
        given.fill(none);
        return false;
      }
      w[OVERWRITE] = step.averageOverwrite ? 1 : 0;
      if (way && step.ordinary) {
        w[GRADIENT] = w[UPDATE] = 0;
        updated = true;
      }
      for (let j = 0; j < indices.length; j++) {
        const i = indices[j]!;
        k[types[i]!][NORM] = Math.sqrt(norms[j]!);
        run(lists[i]![2 + way]!, i, given[j]!);
        if (sizes[i]! > SMALL) given[j] = none;
      }
      if (step.ordinary && indices.length < count) {
        for (const i of indices) named[i] = 1;
        for (let i = 0; i < count; i++) {
          if (lists[i]![way]!.length > 0 && !named[i]) run(lists[i]![way]!, i, variable[i]!);
        }
        named.fill(0);
      }
      for (const i of indices) constraints[i]?.(variable[i]!, variables[i]!.shape);
      return true;
    },
    averages(action) {
      wantAttached();
      average.forEach((a, i) => {
        if (!a) return;
        const x = variable[i]!;
        const old = x.slice();
        x.set(a);
        if (action === 'swap') a.set(old);
      });
    },
    // copied before the promise is returned
    async read(entries) {
      return entries.map((entry) => find(entry).slice());
    },
    async write(entries) {
      const targets = entries.map((entry) => find(entry, entry.values.length));
      targets.forEach((target, i) => target.set(entries[i]!.values));
    },
    async measured() {
      const made: Measured = {};
      if (updated && measure.has('gradient-norm')) made.gradientNorm = Math.sqrt(w[GRADIENT]!);
      if (updated && measure.has('update-norm')) made.updateNorm = Math.sqrt(w[UPDATE]!);
      return made;
    },
    dispose() {
      for (const all of [momentum, accumulator, average, apart, given]) all.length = 0;
    },
  };
}
