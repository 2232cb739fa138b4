import { type FloatArray, type Program, SgdError } from '@sgd/core';
import { arrayOf, type CpuVariable } from './tensor.ts';

interface Span {
  readonly start: number;
  readonly end: number;
  readonly path: string;
}

/** The memory that the variables of an optimizer lie in. */
export class Memory {
  /** Spans in a buffer, in their order. */
  readonly #spans = new Map<ArrayBufferLike, Span[]>();

  /** Refuses variables that overlap. */
  constructor({ variables }: Program, handles: readonly CpuVariable[]) {
    const all = handles.map((handle, i) => ({ data: arrayOf(handle), path: variables[i]!.path }));
    all.sort((a, b) => a.data.byteOffset - b.data.byteOffset);
    for (const { data, path } of all) {
      const { buffer, byteOffset: start, byteLength } = data;
      if (byteLength === 0) continue;
      const spans = this.#spans.get(buffer) ?? [];
      const last = spans.at(-1);
      if (last && last.end > start) {
        throw new SgdError(
          'SGD_INVALID_OPTION',
          `the variables "${last.path}" and "${path}" share memory; each needs its own`,
        );
      }
      spans.push({ start, end: start + byteLength, path });
      this.#spans.set(buffer, spans);
    }
  }

  /** The path of a variable that the array overlaps. */
  overlaps(data: FloatArray): string | undefined {
    const spans = this.#spans.get(data.buffer);
    if (!spans) return undefined;
    const start = data.byteOffset;
    const end = start + data.byteLength;
    let low = 0;
    let high = spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (spans[middle]!.end > start) high = middle;
      else low = middle + 1;
    }
    const first = spans[low];
    return first && first.start < end ? first.path : undefined;
  }

  /** Lets go of the buffers. */
  clear(): void {
    this.#spans.clear();
  }
}
