import { type Backend, SGD } from '@sgd/core';
import type { Run, Task } from '../contender.ts';

/** Steps of `@sgd/core` on a synchronous engine, as users take them: core's own work is timed too. */
export function optimizerRun<V, G>(
  { set }: Task,
  backend: Backend<V, G, 'sync'>,
  variables: readonly V[],
  gradients: readonly G[],
): Run {
  const optimizer = new SGD<V, G, 'sync'>(set.options, backend);
  optimizer.build([...variables]);
  const given = [...gradients];
  return {
    step: () => optimizer.apply(given),
    weights: async () => Object.values(await optimizer.readAll()) as Float32Array[],
    dispose: () => optimizer.dispose(),
  };
}
