import { isRecord, shown, want } from './check.ts';
import type { Backend, DType } from './contract.ts';
import { isSgdError, reading, refuse } from './errors.ts';
import { short } from './shown.ts';

/** Variables in a plain object by path, or in a list. */
export type Variables<V> = readonly V[] | Readonly<Record<string, V>>;

/** A variable that the optimizer is built on. */
export interface BuiltVariable<V> {
  readonly handle: V;
  readonly path: string;
  /** What follows the last "/" of the path. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Whether the path was made up, so that it hangs on the order of the list. */
  readonly generated: boolean;
}

/** Names and describes the variables; refuses types that we don't have, and a variable that comes twice. */
export function describeVariables<V, G>(backend: Backend<V, G>, given: Variables<V>): readonly BuiltVariable<V>[] {
  const [list, entries] = reading('variables', () => {
    const isList = Array.isArray(given);
    want(isList || isRecord(given), 'variables', 'an array or a record', given);
    return [isList, Object.entries<V>(given as Record<string, V>)];
  });
  want(entries.length > 0, 'variables', 'at least one', given);
  const taken = new Set<unknown>();
  const numbers = new Map<string, number>();
  return entries.map(([key, handle]) => {
    const at = `variables: ${shown(key)}`;
    if (taken.has(handle)) refuse('SGD_INVALID_OPTION', `${at} is given twice`);
    const { name: own, shape, dtype } = describe(backend, handle, at);
    want(!list || own === undefined || typeof own === 'string', `${at}: its name`, 'a string', own);
    const wanted = list ? own || 'variable' : key;
    let path = wanted;
    if (taken.has(path)) {
      // goes on from the last number, so that many variables of one name cost no more than few
      let number = numbers.get(wanted) ?? 1;
      while (taken.has((path = `${wanted}_${number}`))) number++;
      numbers.set(wanted, number + 1);
    }
    const name = path.slice(path.lastIndexOf('/') + 1);
    want(name !== '', `${at}: its path`, 'a text that does not end in "/"', path);
    taken.add(handle).add(path);
    return { handle, path, name, shape, dtype, generated: list && path !== own };
  });
}

type Described = Pick<BuiltVariable<unknown>, 'shape' | 'dtype'> & { readonly name?: string | undefined };

function describe<V, G>(backend: Backend<V, G>, handle: V, at: string): Described {
  let described: ReturnType<typeof backend.describe>;
  try {
    const { name, shape, dtype } = backend.describe(handle);
    described = { name, shape: [...shape], dtype };
  } catch (cause) {
    if (isSgdError(cause)) refuse(cause.code, `${at}: ${short(cause.message, 800)}`, cause);
    refuse(
      'SGD_UNKNOWN_VARIABLE',
      `${at}: expected a variable of the backend "${backend.name}", got ${shown(handle)}`,
      cause,
    );
  }
  const { dtype } = described;
  if (dtype === 'float32' || dtype === 'float64') return described as Described;
  refuse('SGD_UNSUPPORTED', `${at}: expected float32 or, where the backend has it, float64, got ${shown(dtype)}`);
}

/** Where variables are found. */
export interface Known<V> {
  readonly known: ReadonlyMap<unknown, number>;
  readonly session?: { readonly variables: readonly V[] };
}

/** The index of a variable by path or handle: the one given to `build`, or the current one where the engine replaces them. */
export function indexOf<V>({ known, session }: Known<V>, variable: V | string): number {
  const index = known.get(variable) ?? session?.variables.indexOf(variable as V) ?? -1;
  if (index < 0) refuse('SGD_UNKNOWN_VARIABLE', `the optimizer was not built with ${shown(variable)}`);
  return index;
}
