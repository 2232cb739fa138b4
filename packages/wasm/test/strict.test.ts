import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { SgdError } from '@sgd/core';
import { wasm } from '@sgd/wasm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bundle } from '../../../tests/support/bundle.ts';

const OPTIONS =
  '{ momentum: 0.9, nesterov: true, weightDecay: 1e-4, globalClipnorm: 1, useEma: true, emaOverwriteFrequency: 3, lossScaleFactor: 8, gradientAccumulationSteps: 2 }';

describe('under a strict content security policy', () => {
  const train = `(async () => {
    const w = new Float32Array([1, 2, 3]);
    const optimizer = new sgd.SGD(${OPTIONS}, await sgd.wasm(), { measure: ['gradient-norm', 'update-norm'] });
    optimizer.build([w]);
    for (let i = 0; i < 10; i++) optimizer.apply([new Float32Array([1, -1, 0.5])]);
    return w[0] < 1 && w[1] > 2 && w[2] < 3;
  })()`;

  it('trains where no text can be made into code, and nothing of Node or a page is there', async () => {
    const context = createContext({}, { codeGeneration: { strings: false, wasm: true } });
    expect(() => runInContext('new Function("return 1")', context)).toThrow(/Code generation/);
    expect(runInContext('typeof atob + typeof Buffer + typeof fetch', context)).toBe('undefinedundefinedundefined');
    runInContext(await bundle('wasm', 'wasm'), context);
    expect(await (runInContext(train, context) as Promise<unknown>)).toBe(true);
  });

  it('is SGD_UNSUPPORTED where WebAssembly is forbidden', async () => {
    const context = createContext({}, { codeGeneration: { strings: false, wasm: false } });
    runInContext(await bundle('wasm', 'wasm'), context);
    const refused = `sgd.wasm().catch(({ code, message }) => code + ': ' + message)`;
    expect(await (runInContext(refused, context) as Promise<unknown>)).toMatch(/^SGD_UNSUPPORTED: .*wasm-unsafe-eval/);
  });
});

describe('where something is missing', () => {
  afterEach(() => void vi.unstubAllGlobals());
  class Old {
    constructor() {
      throw new WebAssembly.CompileError('invalid opcode 0xfd');
    }
  }
  it.each([
    ['WebAssembly', undefined],
    ['SIMD', { Memory: WebAssembly.Memory, Module: Old }],
  ])('%s: SGD_UNSUPPORTED, with the cause', async (what, found) => {
    vi.resetModules(); // or the module would be there
    const fresh = (await import('../src/index.ts')) as { wasm: typeof wasm };
    vi.stubGlobal('WebAssembly', found);
    const error = await fresh.wasm().catch((e: unknown) => e as Error);
    expect(error).toMatchObject({ name: 'SgdError', cause: expect.any(Error) });
    expect((error as SgdError).code, what).toBe('SGD_UNSUPPORTED');
    expect((error as SgdError).message).toContain('SIMD');
  });
});

it('the module of a set of options is compiled once', async () => {
  const compile = vi.spyOn(WebAssembly, 'Module');
  await wasm();
  compile.mockClear();
  await wasm();
  expect(compile).not.toHaveBeenCalled();
  compile.mockRestore();
});

describe('memory', () => {
  // 256 MB of young generation: nothing is collected, so that all that is allocated shows
  const measure = (size: number, options: string, make: string, [warm, count]: number[]): string => `
    (async () => {
    const backend = await sgd.wasm({ reserve: 1 << 20 });
    const make = ${make};
    const arrays = [${size}, 3].map((n) => make(n, 1));
    const gradients = arrays.map((x) => make((x.data ?? x).length, 0.01));
    const optimizer = new sgd.SGD(${options}, backend);
    optimizer.build(arrays);
    let collections = 0;
    const watch = new (require('node:perf_hooks').PerformanceObserver)((list) => { collections += list.getEntries().length; });
    watch.observe({ entryTypes: ['gc'] });
    for (let i = 0; i < ${warm}; i++) optimizer.apply(gradients);
    let perStep = Infinity;
    for (let more = 0; perStep > 16 && more < 12; more++) { // later engines take longer until they have compiled all
      const before = process.memoryUsage().heapUsed;
      for (let i = 0; i < ${count}; i++) optimizer.apply(gradients);
      perStep = (process.memoryUsage().heapUsed - before) / ${count};
    }
    setTimeout(() => console.log(JSON.stringify({ perStep, collections })), 10);
    })();`;
  /** Until the compiler is done, and then. */
  const MANY = [30_000, 100_000];
  const arena = '(n, value) => backend.from(new Float32Array(n).fill(value))';
  const arrays = '(n, value) => new Float32Array(n).fill(value)';

  it.each([
    ['momentum', '{ momentum: 0.9 }', arena, 40, MANY],
    ['all options', OPTIONS, arena, 40, MANY],
    ['a norm of each', '{ clipnorm: 1 }', arena, 40, MANY],
    ['momentum, ordinary arrays', '{ momentum: 0.9 }', arrays, 40, MANY],
    ['all options, ordinary arrays', OPTIONS, arrays, 40, MANY],
    ['a norm, large ordinary arrays', '{ clipnorm: 1 }', arrays, 300_000, [4000, 1000]],
  ])(
    'a step allocates nothing: %s',
    async (_name, options, make, size, steps) => {
      const script = `${await bundle('wasm', 'wasm')}\n${measure(size, options, make, steps)}`;
      const flags = ['--min-semi-space-size=256', '--max-semi-space-size=256'];
      // as a file: the text is too long for an argument
      const file = join(mkdtempSync(join(tmpdir(), 'sgd-wasm-')), 'steps.cjs');
      writeFileSync(file, script);
      const { stdout } = await promisify(execFile)(process.execPath, [...flags, file]);
      rmSync(dirname(file), { recursive: true });
      const { perStep, collections } = JSON.parse(stdout) as { perStep: number; collections: number };
      expect(perStep).toBeLessThan(16);
      expect(collections).toBe(0);
    },
    60_000,
  );
});
