import type { Mode, Session } from '../contract.ts';

/**
 * A session as a plain object. Its calls may be taken apart and combined with others, as wrappers and tests do; methods of a class may not.
 *
 * @param variables - the handles, which the engine does not replace
 * @param calls - an object with the calls of a session, such as an instance of a class
 */
export function plainSession<V, G, M extends Mode>(
  variables: readonly V[],
  calls: Required<Omit<Session<V, G, M>, 'variables'>>,
): Session<V, G, M> {
  return {
    variables,
    step: (step, gradients, indices) => calls.step(step, gradients, indices),
    averages: (action) => calls.averages(action),
    read: (entries) => calls.read(entries),
    write: (entries) => calls.write(entries),
    measured: () => calls.measured(),
    dispose: () => calls.dispose(),
  };
}
