// Takes steps, and prints by how much the heap grew with each. Started by heap.ts with its flags for the young generation.
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { cpu } from './contenders/cpu.ts';
import { OPTION_SETS } from './options.ts';

const [name, count] = process.argv.slice(2);
const steps = Number(count);
const set = OPTION_SETS.find((s) => s.name === name)!;
const step = cpu.start(set, new Float32Array(40).fill(1), new Float32Array(40).fill(0.01));
let collections = 0;
new PerformanceObserver((list) => {
  collections += list.getEntries().length;
}).observe({ entryTypes: ['gc'] });

for (let i = 0; i < 30_000; i++) step(); // until the compiler has settled
const before = process.memoryUsage().heapUsed;
for (let i = 0; i < steps; i++) step();
const grown = process.memoryUsage().heapUsed - before;
await setImmediate();
console.log(JSON.stringify({ bytesPerStep: grown / steps, collections }));
