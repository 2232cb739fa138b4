import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { bundle } from '../../../tests/support/bundle.ts';

const OPTIONS =
  '{ momentum: 0.9, nesterov: true, weightDecay: 1e-4, globalClipnorm: 1, useEma: true, emaOverwriteFrequency: 3, lossScaleFactor: 8, gradientAccumulationSteps: 2 }';

describe('under a strict content security policy', () => {
  it('trains where no text can be made into code, and nothing of Node or a page is there', async () => {
    const context = createContext({}, { codeGeneration: { strings: false, wasm: false } });
    expect(() => runInContext('new Function("return 1")', context)).toThrow(/Code generation/);
    runInContext(await bundle('cpu', 'cpu'), context);
    const moved: unknown = runInContext(
      `const w = new Float32Array([1, 2, 3]);
      const optimizer = new sgd.SGD(${OPTIONS}, sgd.cpu(), { measure: ['gradient-norm', 'update-norm'] });
      optimizer.build([w]);
      for (let i = 0; i < 10; i++) optimizer.apply([new Float32Array([1, -1, 0.5])]);
      w[0] < 1 && w[1] > 2 && w[2] < 3`,
      context,
    );
    expect(moved).toBe(true);
  });
});

describe('memory', () => {
  // 100,000 steps in 256 MB of young generation: nothing is collected, so that all that is allocated shows
  const measure = (size: number, options: string): string => `
    const arrays = [${size}, 3].map((n) => new Float32Array(n).fill(1));
    const gradients = arrays.map((x) => new Float32Array(x.length).fill(0.01));
    const optimizer = new sgd.SGD(${options}, sgd.cpu());
    optimizer.build(arrays);
    let collections = 0;
    const watch = new (require('node:perf_hooks').PerformanceObserver)((list) => { collections += list.getEntries().length; });
    watch.observe({ entryTypes: ['gc'] });
    for (let i = 0; i < 30_000; i++) optimizer.apply(gradients);
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 100_000; i++) optimizer.apply(gradients);
    const after = process.memoryUsage().heapUsed;
    setTimeout(() => console.log(JSON.stringify({ perStep: (after - before) / 100_000, collections })), 10);`;

  it.each([
    ['momentum', '{ momentum: 0.9 }'],
    ['all options', OPTIONS],
    ['a norm of each', '{ clipnorm: 1 }'],
  ])(
    'a step allocates nothing: %s',
    async (_name, options) => {
      const script = `${await bundle('cpu', 'cpu')}\n${measure(40, options)}`;
      const flags = ['--min-semi-space-size=256', '--max-semi-space-size=256'];
      // through standard input: as an argument it would be too long
      const running = promisify(execFile)(process.execPath, [...flags, '-']);
      running.child.stdin!.end(script);
      const { stdout } = await running;
      const { perStep, collections } = JSON.parse(stdout) as { perStep: number; collections: number };
      expect(perStep).toBeLessThan(16);
      expect(collections).toBe(0);
    },
    60_000,
  );
});
