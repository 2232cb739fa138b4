// Times steps over variables of one element, and prints the nanoseconds of one. A process of its own for each engine and number, since
// what the compiler has seen of one would slow the other. Started by overhead.ts.
import { type Backend, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { idle } from './idle.ts';
import { type Effort, time, type Timing } from './timing.ts';

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
