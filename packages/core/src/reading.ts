import { shown } from './check.ts';
import type { FloatArray, Measured, Mode } from './contract.ts';
import { SgdError } from './errors.ts';
import type { Machine } from './machine.ts';
import type { Located } from './optimizer-variables.ts';

/** A copy of one variable's values: one being trained, or one of the optimizer's own. */
export async function readPath<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  path: string,
  own: () => readonly Located[],
): Promise<FloatArray> {
  if (machine.busy) await machine.settled();
  const { lookup, session } = machine.wantBuilt('read');
  const index = lookup.path(path);
  const located = index < 0 ? own().find((v) => v.path === path) : ({ slot: 'variable', index } as const);
  if (located === undefined) throw new SgdError('SGD_UNKNOWN_VARIABLE', `read: there is no variable ${shown(path)}`);
  if ('value' in located) return located.value();
  const [values] = await session.read([{ slot: located.slot, index: located.index }]);
  return values as FloatArray;
}

/** Copies of the values of all variables being trained. */
export async function readVariables<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
): Promise<Record<string, FloatArray>> {
  if (machine.busy) await machine.settled();
  const { session, variables } = machine.wantBuilt('readAll');
  const values = await session.read(variables.map((_, index) => ({ slot: 'variable', index })));
  const all: Record<string, FloatArray> = Object.create(null);
  variables.forEach(({ path }, i) => {
    all[path] = values[i] as FloatArray;
  });
  return all;
}

/** What the last updating step measured. */
export async function readMeasured<V, G, M extends Mode>(machine: Machine<V, G, M>): Promise<Measured> {
  if (machine.busy) await machine.settled();
  const { session, program } = machine.wantBuilt('measured');
  if (program.measure.size === 0 || session.measured === undefined) {
    throw new SgdError('SGD_INVALID_OPTION', 'measured: nothing is measured; name what in extras.measure');
  }
  return session.measured();
}
