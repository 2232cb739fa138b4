import { want } from './check.ts';
import type { Backend, Program } from './contract.ts';
import { SgdError } from './errors.ts';
import type { Lookup } from './variables.ts';
import type { Warn } from './warnings.ts';

/** Gradients in build order, or by path. `null` and `undefined` stand for a variable that has no gradient in this step. */
export type Gradients<G> = readonly (G | null | undefined)[] | Readonly<Record<string, G | null | undefined>>;

/**
 * Checks the gradients of a call and sorts out those that reach the engine. Its arrays are kept from step to step, so that
 * a step allocates nothing as long as the number of gradients stays the same.
 */
export class Gather<V, G> {
  /** The engine's part: gradients, and the variables they belong to, in the caller's order. */
  gradients: G[] = [];
  indices: number[] = [];
  /** Whether a variable that is not overwritten is among them. */
  ordinary = false;
  #count = 0;
  #missing: number[] = [];
  #missed = 0;
  readonly #backend: Backend<V, G>;
  readonly #program: Program;
  readonly #lookup: Lookup<V>;
  readonly #frozen: readonly boolean[];
  readonly #seen: Uint32Array;
  #stamp = 0;

  constructor(backend: Backend<V, G>, program: Program, lookup: Lookup<V>, frozen: readonly boolean[]) {
    this.#backend = backend;
    this.#program = program;
    this.#lookup = lookup;
    this.#frozen = frozen;
    this.#seen = new Uint32Array(frozen.length);
    this.#resize(frozen.length);
  }

  /** Fills the arrays; `false` when the list is empty. Throws, with nothing kept, when something does not fit. */
  take(gradients: Gradients<G>, variables: readonly (V | string)[] | undefined, current: readonly V[]): boolean {
    this.#count = this.#missed = 0;
    this.ordinary = false;
    try {
      const given = Array.isArray(gradients)
        ? this.#takeList(gradients as readonly (G | null | undefined)[], variables, current)
        : this.#takeRecord(gradients as Readonly<Record<string, G | null | undefined>>, variables);
      if (given === 0) return false;
      if (this.#count === 0) {
        throw new SgdError(
          'SGD_NO_GRADIENTS',
          `no gradient for any of the ${given} variables given; expected at least one that is not null`,
        );
      }
    } catch (error) {
      this.release();
      throw error;
    }
    if (this.#count < this.gradients.length) this.#resize(this.#count);
    return true;
  }

  /** Lets go of the gradients, which belong to the caller. */
  release(): void {
    this.gradients.fill(undefined as G);
  }

  /** Warns of the variables that had no gradient in this step, once per set of them. */
  warn(warn: Warn): void {
    if (this.#missed === 0) return;
    const paths = this.#missing.slice(0, this.#missed).map((i) => this.#program.variables[i]?.path as string);
    warn.once(
      'SGD_MISSING_GRADIENTS',
      paths,
      `no gradients for ${paths.join(', ')}: left as they are; are they part of the loss?`,
    );
  }

  #takeList(
    list: readonly (G | null | undefined)[],
    variables: readonly (V | string)[] | undefined,
    current: readonly V[],
  ): number {
    const { length } = list;
    if (variables === undefined) {
      if (length === 0) return 0;
      this.#wantCount(length, this.#frozen.length, 'variables the optimizer was built with');
      for (let i = 0; i < length; i++) this.#put(list[i], i);
      return length;
    }
    want(Array.isArray(variables), 'variables', 'an array', variables);
    this.#wantCount(length, variables.length, 'variables given');
    this.#stamp++;
    for (let i = 0; i < length; i++) this.#putOnce(list[i], this.#lookup.index(variables[i] as V | string, current));
    return length;
  }

  #takeRecord(
    record: Readonly<Record<string, G | null | undefined>>,
    variables: readonly (V | string)[] | undefined,
  ): number {
    want(
      typeof record === 'object' && record !== null && !ArrayBuffer.isView(record),
      'gradients',
      'an array or a record by path',
      record,
    );
    want(variables === undefined, 'variables', 'left out when gradients are given by path', variables);
    let length = 0;
    this.#stamp++;
    for (const path in record) {
      length++;
      this.#putOnce(record[path], this.#lookup.index(path, null));
    }
    return length;
  }

  #wantCount(gradients: number, variables: number, what: string): void {
    if (gradients === variables) return;
    throw new SgdError('SGD_GRADIENT_COUNT', `${gradients} gradients for ${variables} ${what}`);
  }

  #putOnce(gradient: G | null | undefined, index: number): void {
    if (this.#seen[index] === this.#stamp) {
      throw new SgdError('SGD_GRADIENT_COUNT', `the variable "${this.#program.variables[index]?.path}" is given twice`);
    }
    this.#seen[index] = this.#stamp;
    this.#put(gradient, index);
  }

  #put(gradient: G | null | undefined, index: number): void {
    if (this.#frozen[index]) return;
    if (gradient === null || gradient === undefined) {
      this.#missing[this.#missed++] = index;
      return;
    }
    const refused = this.#backend.refuses(gradient, index, this.#program);
    if (refused !== null) this.#refuse(refused, index);
    if (this.#count === this.gradients.length) this.#grow();
    this.gradients[this.#count] = gradient;
    this.indices[this.#count++] = index;
    if (!this.#program.variables[index]?.overwrites) this.ordinary = true;
  }

  #refuse(came: string, index: number): never {
    const variable = this.#program.variables[index];
    throw new SgdError(
      'SGD_GRADIENT_SHAPE',
      `the gradient of "${variable?.path}" must be of shape [${variable?.shape.join(', ')}] and ${variable?.dtype}, got ${came}`,
    );
  }

  /** Exactly as long as what is given: engines look at the length. */
  #resize(count: number): void {
    const { gradients, indices } = this;
    this.gradients = Array.from<G>({ length: count });
    this.indices = Array.from({ length: count }, () => 0);
    for (let i = 0; i < Math.min(count, this.#count); i++) {
      this.gradients[i] = gradients[i] as G;
      this.indices[i] = indices[i] as number;
    }
  }

  #grow(): void {
    this.#resize(this.#frozen.length);
  }
}
