/** Lays out several allocations in one block of memory, each at a multiple of eight bytes. */
export class Region {
  #bytes = 0;

  /** Reserves this many bytes. Returns their offset in the block. */
  reserve(bytes: number): number {
    const at = this.#bytes;
    this.#bytes += Math.ceil(bytes / 8) * 8;
    return at;
  }

  /** Size of everything reserved so far. */
  get bytes(): number {
    return this.#bytes;
  }
}
