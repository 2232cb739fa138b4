// `npm run ranking:check`: is what @sgd/auto takes by timing also the fastest when it is timed again, four times as long? For all workloads of
// apps/bench of up to 30 million elements. `-- host` for one kind. Exits with 1 when a choice is slower than 0.9 times the best.
import { readdirSync, readFileSync } from 'node:fs';
import { selectBackend } from '../packages/auto/dist/index.js';

const LIMIT = 30e6;
const folder = new URL('../apps/bench/workloads/', import.meta.url);
const models = readdirSync(folder).map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
const workloads = [
  ...[1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].map((size) => ({ name: `${size} in one`, shapes: [[size]] })),
  { name: '200 of 16x16', shapes: Array(200).fill([16, 16]) },
  ...models
    .filter(({ total }) => total <= LIMIT)
    .map(({ id, params }) => ({ name: id, shapes: params.map(({ shape }) => shape) })),
];
const options = { momentum: 0.9, nesterov: true, globalClipnorm: 1 };

let worst = Infinity;
const kinds = process.argv.length > 2 ? process.argv.slice(2) : ['host', 'gpujs', 'onnxruntime'];
for (const gradients of kinds) {
  for (const { name, shapes } of workloads) {
    const time = (milliseconds) =>
      selectBackend({ gradients, workload: { shapes, options }, benchmark: { milliseconds } });
    const { chosen } = (await time(250)).report;
    const { candidates } = (await time(1000)).report;
    const usable = candidates.filter((one) => one.nanosecondsPerElement !== undefined);
    const best = Math.min(...usable.map((one) => one.nanosecondsPerElement));
    const ratio = best / usable.find((one) => one.name === chosen).nanosecondsPerElement;
    worst = Math.min(worst, ratio);
    console.log(`${gradients.padEnd(12)} ${name.padEnd(16)} ${chosen.padEnd(17)} ${ratio.toFixed(2)} of the best`);
  }
}
console.log(`worst: ${worst.toFixed(2)}`);
process.exitCode = worst >= 0.9 ? 0 : 1;
