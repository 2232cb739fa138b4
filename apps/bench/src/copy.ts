import type { Timed } from './timing.ts';

/** Elements from which on a copy takes as long for each as with any more: far out of every cache. */
const MOST = 16e6;
/** In elements of 4 bytes. */
const PAGE = 1024;

/** Bytes of a copy for each element. */
export const COPY_BYTES = 8;
/** Its name in tables and JSON. */
export const COPY = 'copy';

/**
 * The limit that memory sets: `set` from one array of the workload's size to another, 4 bytes read and 4 written for each element.
 * It takes turns with the contenders, so that it has the same machine at the same time.
 */
export function copy(elements: number): Timed & { readonly elements: number } {
  const size = Math.min(elements, MOST);
  const from = new Float32Array(size).fill(1);
  const memory = new Float32Array(size + PAGE).fill(2);
  const places = [0, 0.25, 0.5, 0.75].map((share) => memory.subarray(share * PAGE, share * PAGE + size));
  const to = fastest(places, from);
  return { elements: size, call: () => to.set(from) };
}

/** Some processors copy up to 20 times slower where both arrays lie alike in their pages. The best place is the limit. */
function fastest(places: readonly Float32Array[], from: Float32Array): Float32Array {
  const calls = Math.max(3, Math.ceil(1e5 / from.length));
  const times = places.map((to) => {
    let least = Infinity;
    for (let turn = 0; turn < 3; turn++) {
      const start = performance.now();
      for (let i = 0; i < calls; i++) to.set(from);
      least = Math.min(least, performance.now() - start);
    }
    return least;
  });
  return places[times.indexOf(Math.min(...times))]!;
}
