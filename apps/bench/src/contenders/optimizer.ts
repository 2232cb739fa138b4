import { type Backend, SGD } from '@sgd/core';
import type { Run, Task } from '../contender.ts';

/**
 * Steps of `@sgd/core` on a synchronous engine, as users take them: core's own work is timed too.
 *
 * @param read - copies the values of a variable
 */
export function optimizerRun<V, G>(
  { set }: Task,
  backend: Backend<V, G, 'sync'>,
  variables: readonly V[],
  gradients: readonly G[],
  read: (variable: V) => Float32Array,
): Run {
  const optimizer = new SGD<V, G, 'sync'>(set.options, backend);
  optimizer.build([...variables]);
  const given = [...gradients];
  return {
    step: () => optimizer.apply(given),
    weights: () => Promise.resolve(optimizer.trainableVariables.map((variable) => read(variable))),
    dispose: () => optimizer.dispose(),
  };
}
