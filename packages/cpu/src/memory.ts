import { type Program, SgdError } from '@sgd/core';
import type { FloatArray } from '@sgd/core';

interface Span {
  readonly start: number;
  readonly end: number;
  readonly path: string;
}

/** The memory of an optimizer's variables, by buffer. */
export type Memory = Map<ArrayBufferLike, Span[]>;

/** The path of a variable that the array overlaps. */
export function overlapped(memory: Memory, data: FloatArray): string | undefined {
  const spans = memory.get(data.buffer);
  if (!spans) return undefined;
  const start = data.byteOffset;
  const end = start + data.byteLength;
  for (let i = 0; i < spans.length; i++) {
    const span = spans[i]!;
    if (span.start < end && start < span.end) return span.path;
  }
  return undefined;
}
