import type { Effort, Timed } from './timing.ts';

/** Elements from which on a copy takes as long for each as with any more: far out of every cache. */
const LARGE = 16e6;
/** In elements of 4 bytes. */
const PAGE = 1024;

/** Bytes of a copy for each element. */
export const COPY_BYTES = 8;
/** Names in tables and JSON: of as many elements as the workload has, and of those in memory. */
export const COPY = 'copy';
export const COPY_LARGE = 'copy:16M';
export const isCopy = (contender: string): boolean => contender === COPY || contender === COPY_LARGE;

/** A copy that takes turns. */
export interface Copy extends Timed {
  readonly name: string;
  readonly elements: number;
}

/**
 * The limits that memory sets: `set` from one array to another, 4 bytes read and 4 written for each element. Once with as many elements
 * as the workload has, which caches may hold, and once with so many that none does. They take turns with the contenders, so that they
 * have the same machine at the same time; the large one fewer than others, since it takes longer and varies less.
 */
export function copies(elements: number): Copy[] {
  const own = copy(COPY, Math.min(elements, LARGE));
  return elements < LARGE ? [own, copy(COPY_LARGE, LARGE, { samples: 5, warmUp: 0 })] : [own];
}

/** Bytes that they hold. */
export const copyMemory = (elements: number): number =>
  COPY_BYTES * (Math.min(elements, LARGE) + (elements < LARGE ? LARGE : 0));

function copy(name: string, elements: number, effort: Partial<Effort> = {}): Copy {
  const from = new Float32Array(elements).fill(1);
  const memory = new Float32Array(elements + PAGE).fill(2);
  const places = [0, 0.25, 0.5, 0.75].map((share) => memory.subarray(share * PAGE, share * PAGE + elements));
  const to = elements < 1e6 ? fastest(places, from) : places[0]!;
  return { name, elements, effort: { ...effort, patience: Infinity }, call: () => to.set(from) };
}

/** Some processors copy up to 20 times slower where two small arrays lie alike in their pages. The best place is the limit. */
function fastest(places: readonly Float32Array[], from: Float32Array): Float32Array {
  const calls = Math.ceil(1e5 / from.length);
  const times = places.map((to) => {
    let least = Infinity;
    for (let turn = 0; turn < 5; turn++) {
      const start = performance.now();
      for (let i = 0; i < calls; i++) to.set(from);
      least = Math.min(least, performance.now() - start);
    }
    return least;
  });
  return places[times.indexOf(Math.min(...times))]!;
}
