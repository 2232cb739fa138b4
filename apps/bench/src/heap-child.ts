// Takes steps, and prints by how much the heap grew with each. Started by heap.ts with its flags for the young generation.
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { createTask } from './contender.ts';
import { cpu } from './contenders/cpu.ts';
import { OPTION_SETS } from './options.ts';

const [name, count] = process.argv.slice(2);
const steps = Number(count);
const set = OPTION_SETS.find((s) => s.name === name)!;
const task = createTask(set, { name: 'two small variables', shapes: [[4, 10], [10]], elements: 50 });
const { step } = await cpu.start(task);
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
