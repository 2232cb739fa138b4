import type { Device } from './device.ts';
import { CHUNK, differences, flaws, type Formula, squares, sum, sumOf } from './formulas.ts';
import { settled, type Work } from './steps.ts';

/** Sums on the device, in several passes; nothing is read but one element where the host must decide. */
type Reductions<T> = Pick<Device<T, T>, 'squares' | 'total' | 'finite' | 'figure' | 'forget' | 'norm'>;

/** The reductions of a device whose tensors are not on the host. */
export function reductions<T>(device: Pick<Device<T>, 'run' | 'read' | 'free' | 'share'>): Reductions<T> {
  /** One element from many: what `first` makes of each 64, then their sums. */
  function* reduce(first: Formula, tensors: readonly T[], size: number): Work<T> {
    let [formula, arrays, n] = [first, tensors, size];
    for (;;) {
      const threads = Math.ceil(n / CHUNK);
      const made: T = yield* settled(device.run(formula, threads, arrays, [], n));
      if (arrays !== tensors) device.free(arrays[0] as T);
      if (threads === 1) return made;
      [formula, arrays, n] = [sum, [made], threads];
    }
  }
  function* total(sums: readonly T[]): Work<T> {
    let level = sums.map((one) => device.share(one));
    while (level.length > 1) {
      const next: T[] = [];
      for (let i = 0; i < level.length; i += 4) {
        const group = level.slice(i, i + 4);
        const alone = group.length === 1;
        next.push(alone ? (group[0] as T) : yield* settled(device.run(sumOf(group.length), 1, group)));
        if (!alone) group.forEach(device.free);
      }
      level = next;
    }
    return level[0] as T;
  }
  return {
    squares: (tensor, size) => reduce(squares, [tensor], size),
    total,
    *finite(tensors, sizes) {
      const flags: T[] = [];
      try {
        for (let j = 0; j < tensors.length; j++)
          flags.push(yield* reduce(flaws, [tensors[j] as T], sizes[j] as number));
        if (flags.length === 0) return true;
        const all = yield* total(flags);
        flags.push(all);
        const [flaw] = yield* settled(device.read(all, 1));
        return flaw === 0;
      } finally {
        flags.forEach(device.free);
      }
    },
    figure: (x, y, size) => (y === null ? reduce(squares, [x], size) : reduce(differences, [x, y], size)),
    forget: (figure) => device.free(figure),
    *norm(figures) {
      if (figures.length === 0) return 0;
      const all = yield* total(figures);
      try {
        const [value] = yield* settled(device.read(all, 1));
        return Math.sqrt(value as number);
      } finally {
        device.free(all);
      }
    },
  };
}
