import { type ProgramVariable, SgdError, type SgdErrorCode, Spans } from '@sgd/core';
import { type Place, Tensor } from './tensor.ts';

/** Tells whether memory is that of a variable. */
export class VariableMemory {
  readonly #variables: readonly ProgramVariable[];
  readonly #tensors = new Set<Place>();
  readonly #spans = new Spans();

  /** Throws `SgdError` `SGD_INVALID_OPTION` when two variables share memory. */
  constructor(places: readonly Place[], variables: readonly ProgramVariable[]) {
    this.#variables = variables;
    places.forEach((place, i) => {
      const isTensor = place instanceof Tensor;
      this.#check(isTensor ? !this.#tensors.has(place) : this.#spans.add(place), i, 'SGD_INVALID_OPTION');
      if (isTensor) this.#tensors.add(place);
    });
  }

  /** Throws `SGD_GRADIENT_SHAPE` when the gradient of variable `i` lies on a variable, in part at least. */
  checkApart(place: Place, i: number): void {
    const isApart = place instanceof Tensor ? !this.#tensors.has(place) : !this.#spans.meets(place);
    this.#check(isApart, i, 'SGD_GRADIENT_SHAPE');
  }

  #check(isApart: boolean, i: number, code: SgdErrorCode): void {
    if (!isApart) throw new SgdError(code, `"${this.#variables[i]!.path}" shares memory with a variable`);
  }
}
