import { shown, want } from './check.ts';
import type { Backend, DType } from './contract.ts';
import { SgdError } from './errors.ts';

/** Variables by path, or in a list. */
export type Variables<V> = readonly V[] | Readonly<Record<string, V>>;

/** A variable that the optimizer is built on. */
export interface BuiltVariable<V> {
  readonly handle: V;
  readonly path: string;
  /** What follows the last "/" of the path. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** The name of a path: what follows its last "/". */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Names and describes the variables; refuses types that we don't have, and a variable that comes twice. */
export function describeVariables<V, G>(backend: Backend<V, G>, given: Variables<V>): readonly BuiltVariable<V>[] {
  want(
    typeof given === 'object' && given !== null && !ArrayBuffer.isView(given),
    'variables',
    'an array or a record',
    given,
  );
  const entries: readonly (readonly [string | null, V])[] = Array.isArray(given)
    ? (given as readonly V[]).map((handle) => [null, handle] as const)
    : Object.entries(given);
  want(entries.length > 0, 'variables', 'at least one variable', given);
  const taken = new Set<string>();
  const seen = new Set<V>();
  return entries.map(([key, handle], i) => {
    const at = key === null ? `variables[${i}]` : `variable "${key}"`;
    if (seen.has(handle)) throw new SgdError('SGD_INVALID_OPTION', `${at} was given before under another name`);
    seen.add(handle);
    const { name, shape, dtype } = describe(backend, handle, at);
    if (dtype !== 'float32' && dtype !== 'float64') {
      throw new SgdError(
        'SGD_UNSUPPORTED',
        `${at} has dtype ${shown(dtype)}; supported are float32 and, where the backend has it, float64`,
      );
    }
    const path = freePath(key ?? (name || 'variable'), taken);
    want(nameOf(path) !== '', `${at}: its path`, 'a non-empty string that does not end in "/"', path);
    taken.add(path);
    return { handle, path, name: nameOf(path), shape: [...shape], dtype };
  });
}

function describe<V, G>(backend: Backend<V, G>, handle: V, at: string): ReturnType<Backend<V, G>['describe']> {
  try {
    return backend.describe(handle);
  } catch (cause) {
    if (cause instanceof SgdError) throw cause;
    const message = `${at} is not a variable of the backend "${backend.name}", got ${shown(handle)}`;
    throw new SgdError('SGD_UNKNOWN_VARIABLE', message, { cause });
  }
}

function freePath(path: string, taken: ReadonlySet<string>): string {
  let free = path;
  for (let i = 1; taken.has(free); i++) free = `${path}_${i}`;
  return free;
}

/** Finds variables by path or handle: the one given to `build`, or the current one where the engine replaces them. */
export class Lookup<V> {
  readonly #byPath = new Map<string, number>();
  readonly #byHandle = new Map<V, number>();

  constructor(variables: readonly BuiltVariable<V>[]) {
    variables.forEach(({ path, handle }, i) => {
      this.#byPath.set(path, i);
      this.#byHandle.set(handle, i);
    });
  }

  /** The index of a path, or -1. */
  path(path: string): number {
    return this.#byPath.get(path) ?? -1;
  }

  /** The index of a path or handle; `current` are the engine's handles of now. */
  index(variable: V | string, current: readonly V[] | null): number {
    const known = typeof variable === 'string' ? this.#byPath.get(variable) : this.#byHandle.get(variable);
    if (known !== undefined) return known;
    const index = current === null || typeof variable === 'string' ? -1 : current.indexOf(variable);
    if (index < 0) {
      const paths = [...this.#byPath.keys()].join(', ');
      throw new SgdError(
        'SGD_UNKNOWN_VARIABLE',
        `the optimizer was not built with ${shown(variable)}; it has ${shown(paths)}`,
      );
    }
    return index;
  }
}
