import { type FloatArray, type ProgramVariable, SgdError, type SgdErrorCode, Spans } from '@sgd/core';
import { arrayOf, type CpuGradient, type CpuVariable } from './tensor.ts';

/** Gradients of up to this many elements are cached by identity: small enough to keep alive. */
const SMALL = 64;

/** The memory of the variables of a session, and of the gradients of the step under way. */
export class Memory {
  /** By variable. */
  readonly arrays: readonly FloatArray[];
  /** How many elements each variable had when the session was opened. */
  readonly sizes: readonly number[];
  /** The gradients of the step under way. The list is kept, so that a step allocates nothing. */
  readonly gradients: FloatArray[] = [];
  /** Whether there are gradients that are not kept when the step is over. */
  readonly mustRelease: boolean;
  readonly #variables: readonly ProgramVariable[];
  readonly #spans = new Spans();
  /** By variable: the last small gradient that was found to lie apart from all of them. */
  readonly #knownApart: (FloatArray | null)[] = [];

  /** Throws `SgdError` `SGD_INVALID_OPTION` when variables overlap. */
  constructor(variables: readonly ProgramVariable[], handles: readonly CpuVariable[]) {
    this.#variables = variables;
    this.arrays = handles.map(arrayOf);
    this.sizes = this.arrays.map((array) => array.length);
    this.mustRelease = this.sizes.some((_, i) => this.isLarge(i));
    this.arrays.forEach((array, i) => this.#checkApart(this.#spans.add(array), i, 'SGD_INVALID_OPTION'));
  }

  /** Checks variables and gradients before anything is computed. Throws `SGD_DETACHED`, `SGD_GRADIENT_SHAPE`. */
  take(gradients: readonly CpuGradient[], indices: readonly number[]): void {
    const given = this.gradients;
    // all arrays first: a getter of the caller's may detach any of them
    for (let j = 0; j < indices.length; j++) {
      const gradient = arrayOf(gradients[j]!);
      if (given[j] !== gradient) given[j] = gradient;
    }
    this.checkAttached();
    for (let j = 0; j < indices.length; j++) {
      const i = indices[j]!;
      const gradient = given[j]!;
      this.#checkLength(gradient, i, 'the gradient of ');
      if (this.#knownApart[i] === gradient) continue;
      this.#checkApart(!this.#spans.meets(gradient), i, 'SGD_GRADIENT_SHAPE');
      this.#knownApart[i] = gradient.length > SMALL ? null : gradient;
    }
  }

  /** Whether the gradient of a variable is too large to be kept when the step is over: it is the caller's. */
  isLarge(i: number): boolean {
    return this.sizes[i]! > SMALL;
  }

  /** Throws `SGD_DETACHED` when the memory of a variable is gone. */
  checkAttached(): void {
    for (let i = 0; i < this.arrays.length; i++) this.#checkLength(this.arrays[i]!, i, '');
  }

  /** Forgets all gradients. */
  clear(): void {
    this.gradients.length = this.#knownApart.length = 0;
  }

  /** Refuses an array that does not have the length of its variable any more. */
  #checkLength(array: FloatArray, i: number, what: string): void {
    if (array.length === this.sizes[i]) return;
    const { path } = this.#variables[i]!;
    throw new SgdError('SGD_DETACHED', `the memory of ${what}"${path}" was detached or resized`);
  }

  #checkApart(isApart: boolean, i: number, code: SgdErrorCode): void {
    if (!isApart) throw new SgdError(code, `"${this.#variables[i]!.path}" shares memory with a variable`);
  }
}
