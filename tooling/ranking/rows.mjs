import { availableParallelism, cpus, type } from 'node:os';

/** Numbers of elements that are timed. */
export const SIZES = [10, 100, 1e3, 1e5, 1e6];
/** A figure of which the repetitions differ by more than this share is marked. */
export const NOISY = 0.2;

/** On what it is measured. */
export const machine = () =>
  `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${type()} ${process.arch}`;

/** Figures by candidate, in the order in which they come. */
export class Rows {
  #rows = new Map();

  /** `nanoseconds` of an element. */
  add(name, device, elements, nanoseconds, noisy) {
    if (!this.#rows.has(name)) this.#rows.set(name, { name, device, nanoseconds: {} });
    const row = this.#rows.get(name);
    row.nanoseconds[elements] = Number(nanoseconds.toPrecision(3));
    if (noisy) (row.noisy ??= []).push(elements);
  }

  all() {
    return [...this.#rows.values()];
  }
}
