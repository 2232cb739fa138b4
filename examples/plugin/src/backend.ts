import { type Backend, type Entry, type Program, type Session, SgdError } from '@sgd/core';
import { numpy as np } from '@jax-js/jax';

/** An array of jax-js, float32, on any of its devices. */
export type Tensor = np.Array;

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);
const isArray = (t: unknown): t is Tensor => t instanceof np.Array;

/** A copy on the default device. jax-js makes no empty array from data. */
function tensor({ data, shape }: { data: Float32Array | Float64Array; shape: readonly number[] }): Tensor {
  if (!(data instanceof Float32Array)) throw new SgdError('SGD_UNSUPPORTED', 'sgd-jax: expected float32, got float64');
  return data.length === 0 ? np.zeros([...shape]) : np.array(data.slice()).reshape([...shape]);
}

/** A backend for `@sgd/core` on jax-js, whose arrays are immutable: each step replaces the variables. */
export const sgdJax = (): Backend<Tensor, Tensor, 'sync'> => ({
  contract: 1,
  name: 'sgd-jax',
  mode: 'sync',
  supports: new Set(['momentum', 'nesterov', 'weight-decay', 'accumulation', 'finite-check', 'clip-value'] as const),
  tolerance: { rtol: 1e-6, atol: 1e-7 },
  variable: tensor,
  gradient: tensor,
  free: (value) => value.dispose(),
  describe(t) {
    if (!isArray(t)) throw new TypeError('not an array of jax-js');
    return { shape: t.shape, dtype: t.dtype };
  },
  refuses(g, i, { variables }) {
    if (!isArray(g)) return 'what is no array of jax-js';
    return g.shape.join() === variables[i]!.shape.join() ? null : `a gradient of shape [${g.shape.join()}]`;
  },
  open,
});

function open(program: Program, given: readonly Tensor[]): Session<Tensor, Tensor, 'sync'> {
  const variables = [...given];
  const zeros = (): Tensor[] => given.map(({ shape }) => np.zeros([...shape]));
  const slots = {
    variable: variables,
    momentum: program.slots.has('momentum') ? zeros() : [],
    accumulator: program.slots.has('accumulator') ? zeros() : [],
    average: [] as Tensor[],
  };
  const find = ({ slot, index }: Entry, length?: number): Tensor => {
    const found = slots[slot][index];
    if (found && (length ?? sizeOf(found.shape)) === sizeOf(found.shape)) return found;
    throw new RangeError(`there is no ${slot} ${index} of that size`);
  };
  /** Puts an array in the place of another; what was given stays the caller's. */
  const put = ({ slot, index }: Entry, array: Tensor): void => {
    const before = slots[slot][index]!;
    slots[slot][index] = array;
    if (before !== given[index]) before.dispose();
  };
  return {
    variables,
    step({ rates, phase, lossScale, accumulationSteps, clipLimit: c }, gradients, indices) {
      const finite = (g: Tensor): boolean => sizeOf(g.shape) === 0 || Boolean(np.all(np.isfinite(g.ref)).item());
      if (program.finiteCheck && !gradients.every(finite)) return false;
      const { learningRate: lr, momentum: b, weightDecay } = rates[0]!;
      indices.forEach((index, j) => {
        const [a, m] = [slots.accumulator[index], slots.momentum[index]];
        if (sizeOf(gradients[j]!.shape) === 0) return;
        let g = gradients[j]!.ref;
        if (program.unscale) g = np.trueDivide(g, lossScale);
        if (phase === 'accumulate') return put({ slot: 'accumulator', index }, g.add(a!.ref));
        if (a) g = np.trueDivide(g.add(a.ref), accumulationSteps);
        if (program.clip === 'value') g = np.minimum(np.maximum(g, -c), c);
        let x = variables[index]!.ref;
        if (program.variables[index]!.decays) x = x.ref.sub(x.mul(weightDecay).mul(lr));
        const move = g.mul(lr);
        if (m) {
          const next = m.ref.mul(b).sub(move.ref);
          x = x.add(program.nesterov ? next.ref.mul(b).sub(move) : (move.dispose(), next.ref));
          put({ slot: 'momentum', index }, next);
        } else x = x.sub(move);
        put({ slot: 'variable', index }, x);
      });
      if (phase === 'update')
        slots.accumulator.forEach((a, index) => put({ slot: 'accumulator', index }, np.zeros([...a.shape])));
      return true;
    },
    averages() {}, // never called: "average" is not in supports
    read: async (entries) => Promise.all(entries.map((entry) => find(entry).ref.data() as Promise<Float32Array>)),
    async write(entries) {
      const arrays = entries.map((entry) =>
        tensor({ data: Float32Array.from(entry.values), shape: find(entry, entry.values.length).shape }),
      );
      entries.forEach((entry, j) => put(entry, arrays[j]!));
    },
    dispose() {
      for (const array of [...slots.momentum, ...slots.accumulator]) array.dispose();
    },
  };
}
