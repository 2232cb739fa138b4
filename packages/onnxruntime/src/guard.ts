import { type FloatArray, type Program, SgdError, type SgdErrorCode, Spans } from '@sgd/core';

/** What is looked at before anything is written. */
export interface Guard {
  /** Throws `SGD_DETACHED` when the memory of a variable is gone. */
  attached(): void;
  /** Throws `SGD_GRADIENT_SHAPE` when the gradient of variable `i` lies on memory of a variable. */
  apart(gradient: FloatArray, i: number): void;
}

/** Watches over the memory of variables. Throws `SGD_INVALID_OPTION` when two of them overlap. */
export function newGuard({ variables }: Program, values: readonly FloatArray[]): Guard {
  const sizes = values.map((x) => x.length);
  const spans = new Spans();
  const wantApart = (apart: boolean, i: number, code: SgdErrorCode): void => {
    if (!apart) throw new SgdError(code, `"${variables[i]!.path}" shares memory with a variable`);
  };
  values.forEach((x, i) => wantApart(spans.add(x), i, 'SGD_INVALID_OPTION'));
  return {
    apart: (gradient, i) => wantApart(!spans.meets(gradient), i, 'SGD_GRADIENT_SHAPE'),
    attached() {
      const gone = values.findIndex((x, i) => x.length !== sizes[i]);
      if (gone >= 0) {
        throw new SgdError('SGD_DETACHED', `the memory of "${variables[gone]!.path}" was detached or resized`);
      }
    },
  };
}
