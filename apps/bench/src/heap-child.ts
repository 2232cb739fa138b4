// Takes steps, and prints by how much the heap grew with each. Started by heap.ts with its flags for the young generation.
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { type Backend, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { idle } from './idle.ts';
import { OPTION_SETS } from './options.ts';

const [engine, name, warmUp, count] = process.argv.slice(2);
const steps = Number(count);
const { options } = OPTION_SETS.find((s) => s.name === name)!;
const arrays = (value: number): Float32Array[] => [new Float32Array(40).fill(value), new Float32Array(10).fill(value)];
const backend = (engine === 'idle' ? idle() : cpu()) as Backend<Float32Array, Float32Array, 'sync'>;
const optimizer = new SGD(options, backend);
optimizer.build(arrays(1));
const gradients = arrays(0.01);
let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ['gc'] });

for (let i = 0; i < Number(warmUp); i++) optimizer.apply(gradients);
const before = process.memoryUsage().heapUsed;
for (let i = 0; i < steps; i++) optimizer.apply(gradients);
const grown = process.memoryUsage().heapUsed - before;
await setImmediate();
console.log(JSON.stringify({ bytes: grown / steps, collections }));
