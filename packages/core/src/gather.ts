import { ARRAY, isObject, want } from './check.ts';
import type { Backend, Program, ProgramVariable } from './contract.ts';
import { refuse } from './errors.ts';
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
  #missed = 0;
  readonly #missing: number[] = [];
  readonly #backend: Backend<V, G>;
  readonly #program: Program;
  readonly #lookup: Lookup<V>;
  readonly #frozen: readonly boolean[];
  readonly #overwrites: readonly boolean[];
  /** By variable: the call in which it came last. */
  readonly #seen: Float64Array;
  #call = 0;

  constructor(backend: Backend<V, G>, program: Program, lookup: Lookup<V>, frozen: readonly boolean[]) {
    this.#backend = backend;
    this.#program = program;
    this.#lookup = lookup;
    this.#frozen = frozen;
    this.#overwrites = program.variables.map((v) => v.overwrites);
    this.#seen = new Float64Array(frozen.length);
  }

  /** Fills the arrays; `false` when the list is empty. Throws when something does not fit. */
  take(gradients: Gradients<G>, variables: readonly (V | string)[] | undefined, current: readonly V[]): boolean {
    const all = this.#frozen.length;
    this.#count = this.#missed = 0;
    this.#call++;
    this.ordinary = false;
    let given = 0;
    if (ARRAY[0](gradients as never)) {
      const list = gradients as readonly (G | null | undefined)[];
      given = list.length;
      if (variables === undefined && given === 0) return false;
      if (variables !== undefined) want(ARRAY[0](variables as never), 'variables', ARRAY[1], variables);
      const wanted = variables === undefined ? all : variables.length;
      if (given !== wanted)
        refuse('SGD_GRADIENT_COUNT', `expected ${wanted} gradients, one for each variable, got ${given}`);
      for (let i = 0; i < given; i++) {
        this.#put(list[i], variables === undefined ? i : this.#lookup.index(variables[i] as V | string, current));
      }
    } else {
      want(
        isObject(gradients) && variables === undefined,
        'gradients',
        'an array, or a record by path without variables',
        gradients,
      );
      for (const path in gradients) {
        given++;
        this.#put((gradients as Readonly<Record<string, G | null | undefined>>)[path], this.#lookup.index(path));
      }
    }
    if (given === 0) return false;
    if (this.#count === 0)
      refuse('SGD_NO_GRADIENTS', `expected at least one gradient, got null for each of ${given} variables`);
    // engines go by the length
    if (this.#count !== this.gradients.length) this.gradients.length = this.indices.length = this.#count;
    return true;
  }

  /** Lets go of the gradients, which belong to the caller. */
  release(): void {
    this.gradients.fill(undefined as G);
  }

  /** Warns of the variables that had no gradient in this step, once per set of them. */
  warn(warn: Warn): void {
    if (this.#missed === 0) return;
    const paths = this.#missing.slice(0, this.#missed).map((i) => this.#variable(i).path);
    warn.once('SGD_MISSING_GRADIENTS', paths, `no gradients for ${paths.join(', ')}: left as they are`);
  }

  #put(gradient: G | null | undefined, index: number): void {
    if (this.#seen[index] === this.#call) refuse('SGD_GRADIENT_COUNT', `${this.#variable(index).path} is given twice`);
    this.#seen[index] = this.#call;
    if (this.#frozen[index]) return;
    if (gradient === null || gradient === undefined) {
      this.#missing[this.#missed++] = index;
      return;
    }
    const refused = this.#backend.refuses(gradient, index, this.#program);
    if (refused !== null) {
      const { path, shape, dtype } = this.#variable(index);
      refuse('SGD_GRADIENT_SHAPE', `gradient of ${path}: expected shape [${shape.join()}] of ${dtype}, got ${refused}`);
    }
    this.gradients[this.#count] = gradient;
    this.indices[this.#count++] = index;
    if (!this.#overwrites[index]) this.ordinary = true;
  }

  #variable(index: number): ProgramVariable {
    return this.#program.variables[index] as ProgramVariable;
  }
}
