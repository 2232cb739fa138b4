import type { Device } from './device.ts';
import { CHUNK, type Formula, sum, sumOf } from './formulas.ts';
import { settled, type Work } from './steps.ts';

/** Sums on a device that is not the host, in several passes. */
export function reductions<T>(device: Pick<Device<T>, 'run' | 'free' | 'share'>): Pick<Device<T>, 'reduce' | 'total'> {
  return {
    *reduce(first, tensors, size) {
      let [formula, arrays, n]: [Formula, readonly T[], number] = [first, tensors, size];
      for (;;) {
        const threads = Math.ceil(n / CHUNK);
        const made: T = yield* settled(device.run(formula, threads, arrays, [n]));
        if (arrays !== tensors) device.free(arrays[0] as T);
        if (threads === 1) return made;
        [formula, arrays, n] = [sum, [made], threads];
      }
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
export function* readTotal<T>(device: Device<T>, sums: readonly T[]): Work<number> {
  if (sums.length === 0) return 0;
  const all = yield* device.total(sums);
  try {
    const [value] = yield* settled(device.read(all, 1));
    return value as number;
  } finally {
    device.free(all);
  }
}
