interface Sorted {
  readonly starts: number[];
  readonly ends: number[];
}

/** Parts of memory that do not overlap, by buffer. Looking one up takes the logarithm of how many there are. */
export class Spans {
  readonly #buffers = new WeakMap<ArrayBufferLike, Sorted>();

  /** Whether a view shares memory with one that was added. */
  meets({ buffer, byteOffset, byteLength }: ArrayBufferView): boolean {
    const sorted = this.#buffers.get(buffer);
    if (sorted === undefined || byteLength === 0) return false;
    const next = firstAfter(sorted.ends, byteOffset);
    return next < sorted.ends.length && (sorted.starts[next] as number) < byteOffset + byteLength;
  }

  /**
   * Adds a view unless it meets one that was added.
   *
   * @returns whether it was added; a view without memory counts as added
   */
  add(view: ArrayBufferView): boolean {
    if (this.meets(view)) return false;
    const { buffer, byteOffset, byteLength } = view;
    if (byteLength === 0) return true;
    let sorted = this.#buffers.get(buffer);
    if (sorted === undefined) this.#buffers.set(buffer, (sorted = { starts: [], ends: [] }));
    const next = firstAfter(sorted.ends, byteOffset);
    sorted.starts.splice(next, 0, byteOffset);
    sorted.ends.splice(next, 0, byteOffset + byteLength);
    return true;
  }
}

/** Where the first number above `at` is in a list that increases. */
function firstAfter(list: readonly number[], at: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
