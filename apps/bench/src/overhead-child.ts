// Times steps over variables of one element, and prints the nanoseconds of one. A process of its own for each engine and number, since
// what the compiler has seen of one would slow the other. Started by overhead.ts.
import { type Backend, type Session, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { type Effort, time, type Timing } from './timing.ts';

/** An engine that does nothing, at once. */
function idle(): Backend<Float32Array, Float32Array, 'sync'> {
  const session = (variables: readonly Float32Array[]): Session<Float32Array, Float32Array, 'sync'> => ({
    variables,
    step: () => true,
    averages() {},
    read: () => Promise.resolve([]),
    write: () => Promise.resolve(),
    dispose() {},
  });
  return {
    contract: 1,
    name: 'idle',
    mode: 'sync',
    supports: new Set(['momentum']),
    tolerance: { rtol: 0, atol: 0 },
    variable: ({ data }) => Float32Array.from(data),
    gradient: ({ data }) => Float32Array.from(data),
    free() {},
    describe: (variable) => ({ shape: [variable.length], dtype: 'float32' }),
    refuses: () => null,
    open: (_program, variables) => session(variables),
  };
}

function applier(backend: Backend<Float32Array, Float32Array, 'sync'>, count: number): () => void {
  const arrays = (): Float32Array[] => Array.from({ length: count }, () => new Float32Array(1));
  const optimizer = new SGD({ momentum: 0.9 }, backend);
  optimizer.build(arrays());
  const gradients = arrays();
  return () => optimizer.apply(gradients);
}

const [name, count, effort] = process.argv.slice(2) as [string, string, string];
const backend = name === 'idle' ? idle() : (cpu() as Backend<Float32Array, Float32Array, 'sync'>);
const [timing] = await time([{ call: applier(backend, Number(count)) }], JSON.parse(effort) as Effort);
console.log((timing as Timing).median);
