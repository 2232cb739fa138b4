import { type Backend, type HostTensor, SGD } from '@sgd/core';
import { loadBackend } from '@sgd/conformance/node';
import type { Contender, Run, Task } from '../contender.ts';
import { arraysKept, type OptionSet } from '../options.ts';
import { sizeOf, type Workload } from '../workloads.ts';

/** `@sgd/core` on an engine of the workspace, found by its name, with variables and gradients of the engine's own. */
async function start(name: string, { set, workload, gradients, variables }: Task): Promise<Run> {
  const backend: Backend<unknown> = await loadBackend(name);
  const own = (arrays: readonly Float32Array[], make: (values: HostTensor) => unknown): unknown[] =>
    arrays.map((data, i) => make({ data, shape: workload.shapes[i]! }));
  const optimizer = new SGD<unknown>(set.options, backend);
  const trained = own(variables(), (values) => backend.variable(values));
  await optimizer.build(trained);
  const given = own(gradients, (values) => backend.gradient(values));
  return {
    ...(name.startsWith('tfjs:') && { turn: () => select(name.slice(5)) }),
    step: () => optimizer.apply(given),
    weights: async () => Object.values(await optimizer.readAll()) as Float32Array[],
    async dispose() {
      const current = optimizer.trainableVariables; // an engine may have replaced those that it was built on
      await optimizer.dispose();
      for (const value of [...current, ...given]) backend.free(value);
    },
  };
}

/** Else each step would switch from the engine of another contender and back. */
async function select(tfjsEngine: string): Promise<void> {
  const tf = await import('@tensorflow/tfjs-core');
  if (tf.getBackend() !== tfjsEngine) await tf.setBackend(tfjsEngine);
}

/** What a step makes and drops, for the largest variable. */
const between = ({ shapes }: Workload): number => 4 * Math.max(...shapes.map(sizeOf)) * 4;

/** `@sgd/core` on `@sgd/NAME`, as `--backend NAME:VARIANT` of the other commands takes it. */
export const engine = (name: string, missing = (): boolean => false): Contender => ({
  name,
  missing,
  slow: true,
  warmUp: 400,
  memory: (set: OptionSet, workload: Workload) => 4 * workload.elements * (2 * arraysKept(set) + 1) + between(workload),
  most: 2 ** 32,
  start: (task) => start(name, task),
});
