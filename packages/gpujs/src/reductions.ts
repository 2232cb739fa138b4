import type { Device } from './device.ts';
import { CHUNK, type Formula, sum, sumOf } from './formula.ts';
import { settled, type Work } from './steps.ts';

/** Sums on a device that is not the host, which stay there. */
export interface Reductions<T> {
  /** What a formula that reduces makes of all elements, in one element; in several passes. */
  reduce(formula: Formula, tensors: readonly T[], numbers: readonly number[], size: number): Work<T>;
  /** The sum of such sums, in the order given. */
  total(sums: readonly T[]): Work<T>;
}

/** Sums by kernels. */
export function reductions<T>(device: Pick<Device<T>, 'run' | 'free' | 'share'>): Reductions<T> {
  return {
    *reduce(formula, tensors, numbers, size) {
      let count = Math.ceil(size / CHUNK);
      let made: T = yield* settled(device.run(formula, count, tensors, [...numbers, size]));
      while (count > 1) {
        const before = made;
        const elements = count;
        count = Math.ceil(elements / CHUNK);
        made = yield* settled(device.run(sum, count, [before], [elements]));
        device.free(before);
      }
      return made;
    },
    *total(sums) {
      let level = sums.map((one) => device.share(one));
      while (level.length > 1) {
        const next: T[] = [];
        for (let i = 0; i < level.length; i += 4) {
          const group = level.slice(i, i + 4);
          const alone = group.length === 1;
          next.push(alone ? (group[0] as T) : yield* settled(device.run(sumOf(group.length), 1, group, [])));
          if (!alone) group.forEach(device.free);
        }
        level = next;
      }
      return level[0] as T;
    },
  };
}

/** Reads the sum of sums: the one element that is read in a step, where the host must decide. */
export function* readTotal<T>(device: Device<T>, by: Pick<Reductions<T>, 'total'>, sums: readonly T[]): Work<number> {
  if (sums.length === 0) return 0;
  const all = yield* by.total(sums);
  try {
    const [value] = yield* settled(device.read(all, 1));
    return value as number;
  } finally {
    device.free(all);
  }
}
