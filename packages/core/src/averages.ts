import type { Mode, Result } from './contract.ts';
import { refuse } from './errors.ts';
import { type Machine, run, wantBuilt } from './machine.ts';

/** Assigns the averages to the variables, or has them change places. */
export function averages<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  call: string,
  action: 'assign' | 'swap',
): Result<M, void> {
  const { session } = wantBuilt(machine, call);
  const { useEma } = machine.config;
  if (!useEma || machine.micro === 0) {
    refuse('SGD_NO_AVERAGES', `${call}: there are no averages ${useEma ? 'before the first step' : 'without useEma'}`);
  }
  const start = (): unknown => session.averages(action);
  const finish = (): void => {
    if (action === 'swap') machine.swapped = !machine.swapped;
  };
  return run(machine, call, start, finish, null, null);
}
