import { shown } from './check.ts';
import type { FloatArray, Measured, Mode } from './contract.ts';
import { refuse } from './errors.ts';
import type { Built, Machine } from './machine.ts';
import { optimizerVariables } from './optimizer-variables.ts';

/** A copy of the values of a variable being trained, or of one of the optimizer's own. */
export async function readOne<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  { known, session }: Built<V, G, M>,
  path: string,
  caller: unknown,
): Promise<FloatArray> {
  const trained = known.get(path) ?? -1;
  const found =
    trained < 0
      ? optimizerVariables(machine, caller).find((v) => v.path === path)
      : { dtype: '', value: { slot: 'variable', index: trained } as const };
  if (found === undefined) refuse('SGD_UNKNOWN_VARIABLE', `read: there is no variable ${shown(path)}`);
  const { dtype, value } = found;
  if (typeof value === 'number') return (dtype === 'float32' ? Float32Array : Float64Array).of(value);
  return (await session.read([value]))[0] as FloatArray;
}

/** Copies of the values of all variables being trained, by path. */
export async function readAll<V, G, M extends Mode>({
  variables,
  session,
}: Built<V, G, M>): Promise<Record<string, FloatArray>> {
  const values = await session.read(variables.map((_, index) => ({ slot: 'variable', index })));
  return Object.assign(Object.create(null), Object.fromEntries(variables.map(({ path }, i) => [path, values[i]])));
}

/** What the engine measured in the last updating step. */
export async function readMeasured<V, G, M extends Mode>(
  { extras }: Machine<V, G, M>,
  { session }: Built<V, G, M>,
): Promise<Measured> {
  if (extras.measure.length === 0) refuse('SGD_INVALID_OPTION', 'measured: extras.measure names nothing');
  return (await session.measured?.()) ?? {};
}
