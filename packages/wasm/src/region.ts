/** Plans one piece of memory for many things, each at a multiple of eight bytes. */
export class Region {
  #bytes = 0;

  /** Room for so many bytes; returns how far from the start it is. */
  reserve(bytes: number): number {
    const at = this.#bytes;
    this.#bytes += Math.ceil(bytes / 8) * 8;
    return at;
  }

  /** Of all that was reserved. */
  get bytes(): number {
    return this.#bytes;
  }
}
