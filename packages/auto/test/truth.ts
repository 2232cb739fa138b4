import { type Backend, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { CANDIDATES, type Gradients, selectFrom, SelectionError } from '../src/index.ts';

/** What a candidate said of itself, and what a training with it was like. */
export interface Checked {
  readonly name: string;
  readonly said: 'runs' | 'does not run';
  readonly reason: string;
  /** The largest difference from `@sgd/cpu` after 3 steps; `null`: it did not train. */
  readonly difference: number | null;
}

const START = Float32Array.from({ length: 33 }, (_, i) => Math.sin(i));
const options = { learningRate: 0.1, momentum: 0.9, nesterov: true, globalClipnorm: 1 };

async function trained(backend: Backend<unknown>): Promise<Float32Array> {
  const w: unknown = backend.variable({ data: START.slice(), shape: [33] });
  const optimizer = new SGD(options, backend);
  await optimizer.build({ w });
  for (let step = 1; step <= 3; step++) {
    const data = START.map((x) => x * step);
    await optimizer.apply({ w: backend.gradient({ data, shape: [33] }) });
  }
  const values = await optimizer.read('w');
  await optimizer.dispose();
  return Float32Array.from(values);
}

/**
 * Forces every candidate: those that are said to run must train like `@sgd/cpu`; those that are said not to must fail, too, when they are
 * made without `@sgd/auto`.
 */
export async function checkAll(make: (name: string) => Promise<unknown>): Promise<Checked[]> {
  const expected = await trained(cpu() as Backend<unknown>);
  const difference = (values: Float32Array): number => Math.max(...values.map((x, i) => Math.abs(x - expected[i]!)));
  const checked: Checked[] = [];
  for (const candidate of CANDIDATES) {
    const { name, gradients } = candidate;
    try {
      const { backend, report } = await selectFrom([candidate], { gradients: gradients as Gradients, require: name });
      const reached = difference(await trained(backend as Backend<unknown>));
      checked.push({ name, said: 'runs', reason: report.reason, difference: reached });
      await (backend as { destroy?: () => Promise<void> }).destroy?.();
    } catch (error) {
      if (!(error instanceof SelectionError)) throw error;
      const reached = await make(name)
        .then((backend) => trained(backend as Backend<unknown>))
        .then(difference, () => null);
      checked.push({ name, said: 'does not run', reason: error.report.candidates[0]!.reason, difference: reached });
    }
  }
  return checked;
}

/** Those of which the report says what is not so. GPUs may round a product and a sum at once. */
export const untrue = (checked: readonly Checked[]): Checked[] =>
  checked.filter(({ said, difference }) => (said === 'runs') !== (difference !== null && difference < 2e-6));
