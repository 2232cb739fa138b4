import { type FloatArray, type Program, SgdError, type SgdErrorCode } from '@sgd/core';

/** What is looked at before anything is written. */
export interface Guard {
  /** Throws `SGD_DETACHED` when the memory of a variable is gone. */
  attached(): void;
  /**
   * Throws `SGD_DETACHED` when the gradient of variable `i` has another length than it had when it was checked, and `SGD_GRADIENT_SHAPE`
   * when it lies on memory of a variable.
   */
  gradient(gradient: FloatArray, i: number): void;
}

/** Watches over the memory of variables. Throws `SGD_INVALID_OPTION` when two of them overlap. */
export function newGuard({ variables }: Program, values: readonly FloatArray[]): Guard {
  const sizes = values.map((x) => x.length);
  // start and end of each variable in its buffer, one after the other
  const spans = new Map<ArrayBufferLike, number[]>();
  const apart = ({ buffer, byteOffset, byteLength }: FloatArray, i: number, code?: SgdErrorCode): void => {
    const places = spans.get(buffer) ?? [];
    const end = byteOffset + byteLength;
    for (let j = 0; j < places.length; j += 2) {
      if (Math.max(places[j]!, byteOffset) < Math.min(places[j + 1]!, end)) {
        throw new SgdError(code ?? 'SGD_INVALID_OPTION', `"${variables[i]!.path}" shares memory with a variable`);
      }
    }
    if (!code) spans.set(buffer, [...places, byteOffset, end]);
  };
  values.forEach((x, i) => apart(x, i));
  const wantLength = ({ length }: FloatArray, i: number, what = ''): void => {
    if (length !== sizes[i]) {
      throw new SgdError('SGD_DETACHED', `the memory of ${what}"${variables[i]!.path}" was detached or resized`);
    }
  };
  return {
    gradient(gradient, i) {
      wantLength(gradient, i, 'the gradient of ');
      apart(gradient, i, 'SGD_GRADIENT_SHAPE');
    },
    attached: () => values.forEach((x, i) => wantLength(x, i)),
  };
}
