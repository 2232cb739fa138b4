#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { GPU } from 'gpu.js';
import { endWithOutput } from '../../../tooling/output.mjs';
import { CLASSES, mixDigits } from './data.ts';
import { train } from './network.ts';

const HELP = `usage: digits-gpujs [--mode webasm|cpu|headlessgl] [--steps N]

Trains a digit classifier whose every part is a gpu.js kernel.`;

function pixelsOf(digit: number): readonly number[] {
  const file = createRequire(import.meta.url).resolve(`mnist/src/digits/${digit}.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { data: number[] }).data;
}

/** Gives the exit status. */
function main(): number {
  let mode: string;
  let gpu: GPU;
  let steps: number;
  try {
    const { values } = parseArgs({
      options: { mode: { type: 'string' }, steps: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help) {
      console.log(HELP);
      return 0;
    }
    mode = values.mode ?? 'webasm';
    steps = Number(values.steps ?? 300);
    gpu = new GPU({ mode: mode as 'webasm' });
    if (!Number.isSafeInteger(steps) || steps < 1) throw new Error('--steps: expected a whole number above 0');
  } catch (error) {
    console.error(`digits-gpujs: ${(error as Error).message}\n${HELP}`);
    return 2;
  }
  const pixels = Array.from({ length: CLASSES }, (_, digit) => pixelsOf(digit));
  const started = performance.now();
  const network = train(gpu, mixDigits(pixels, 400), {
    hidden: 32,
    batch: 40,
    steps,
    show: 50,
    shown: (step, loss) => console.log(`step ${step}: loss ${loss.toFixed(4)}`),
  });
  const seconds = (performance.now() - started) / 1000;
  const accuracy = network.accuracy(mixDigits(pixels, 50, 400));
  console.log(`${(100 * accuracy).toFixed(1)} % of 500 test digits recognised, ${seconds.toFixed(1)} s on ${mode}`);
  network.dispose();
  return 0;
}

endWithOutput('digits-gpujs');
process.exitCode = main();
