import { type FloatArray, type Program, SgdError, type SgdErrorCode, Spans } from '@sgd/core';

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
export function newGuard({ variables }: Pick<Program, 'variables'>, values: readonly FloatArray[]): Guard {
  const sizes = values.map((x) => x.length);
  const spans = new Spans();
  const wantApart = (apart: boolean, i: number, code: SgdErrorCode): void => {
    if (!apart) throw new SgdError(code, `"${variables[i]!.path}" shares memory with a variable`);
  };
  values.forEach((x, i) => wantApart(spans.add(x), i, 'SGD_INVALID_OPTION'));
  const wantLength = ({ length }: FloatArray, i: number, what = ''): void => {
    if (length !== sizes[i]) {
      throw new SgdError('SGD_DETACHED', `the memory of ${what}"${variables[i]!.path}" was detached or resized`);
    }
  };
  return {
    gradient(gradient, i) {
      wantLength(gradient, i, 'the gradient of ');
      wantApart(!spans.meets(gradient), i, 'SGD_GRADIENT_SHAPE');
    },
    attached: () => values.forEach((x, i) => wantLength(x, i)),
  };
}
