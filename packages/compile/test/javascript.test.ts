import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { ArrayKernel, javaScriptSource } from '@sgd/compile';
import { type Kernel, makeKernel, makeTracer, NumberProgram, OPERATIONS } from '@sgd/core/engine';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bundle } from '../../../tests/support/bundle.ts';
import { kernelOf, recipes, SCALARS } from './random-kernels.ts';

const HOSTILE = [
  'x]; globalThis.broken = true; //',
  '`${globalThis.broken = true}`',
  '*/ globalThis.broken = true /*',
  '__proto__',
  'constructor',
  '\u2028globalThis.broken = true',
  '',
];

const sourcesOf = (kernel: Kernel, scalars: readonly string[]): string[] =>
  (['float32', 'float64'] as const).flatMap((dtype) =>
    kernel.passes.map((pass) => javaScriptSource(kernel, pass, new NumberProgram(kernel, dtype, scalars), dtype)),
  );

/** All words of a source, and the punctuation, must be among these. */
const WORD =
  /^(?:"use strict"|const|let|for|return|if|f|i|Math|fround|tensors|numbers|from|to|totals|at|abs|sqrt|sign|min|max|pow|[tnvsw]\d+(?:_\d)?|\d+|[-+*/()[\]{}<>=;,.?: ])$/;

describe('source text', () => {
  it.each(HOSTILE)('holds nothing of a slot or scalar called %j', (name) => {
    const ops = makeTracer();
    const kernel = makeKernel({
      assignments: { [name]: ops.add(ops.tensor(name), ops.mul(ops.scalar(name), ops.tensor('gradient'))) },
      results: [ops.sum(ops.tensor(name))],
    });
    const plain = makeTracer();
    const same = makeKernel({
      assignments: { m: plain.add(plain.tensor('m'), plain.mul(plain.scalar('s'), plain.tensor('gradient'))) },
      results: [plain.sum(plain.tensor('m'))],
    });
    expect(sourcesOf(kernel, [name])).toEqual(sourcesOf(same, ['s']));
    const runner = new ArrayKernel(kernel, 'float32', { jitless: false, scalars: [name] });
    const numbers = runner.program.allocate();
    runner.program.begin(numbers, new Float64Array([2]));
    const tensors = runner.tensors.map((tensor) => new Float32Array([tensor === 'gradient' ? 10 : 1]));
    runner.reduce(tensors, 1, numbers);
    runner.write(tensors, 1, numbers, new Float64Array(0));
    expect(tensors[runner.tensors.indexOf(name)]![0]).toBe(21);
    expect('broken' in globalThis).toBe(false);
  });

  it('of any kernel is made of numbered identifiers and few words', () => {
    fc.assert(
      fc.property(recipes(OPERATIONS), (recipe) => {
        for (const source of sourcesOf(kernelOf(recipe), SCALARS)) {
          const words = [...source.matchAll(/"use strict"|[\w$]+|./gu)].map(([word]) => word);
          expect(words.filter((word) => !WORD.test(word))).toEqual([]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is the same for kernels that differ in their constants alone', () => {
    const sources = [0.9, NaN, -1e300].map((constant) => {
      const ops = makeTracer();
      const kernel = makeKernel({ assignments: { x: ops.mul(ops.tensor('x'), ops.constant(constant)) } });
      return sourcesOf(kernel, []);
    });
    expect(sources[1]).toEqual(sources[0]);
    expect(sources[2]).toEqual(sources[0]);
  });
});

const TRAINS = `
  const w = new Float32Array([1, 2, 3]);
  const options = { momentum: 0.9, nesterov: true, globalClipnorm: 1, useEma: true };
  const optimizer = new sgd.SGD(options, sgd.cpu(SETTINGS));
  optimizer.build([w]);
  for (let i = 0; i < 10; i++) optimizer.apply([new Float32Array([1, -1, 0.5])]);
  Array.from(w).join()`;

describe('where text can not become code', () => {
  it('kernels run operation by operation, with the same bits', async () => {
    const text = await bundle('cpu', 'cpu');
    const run = (strings: boolean, settings: string): unknown => {
      const context = createContext({}, { codeGeneration: { strings, wasm: false } });
      runInContext(text, context);
      return runInContext(TRAINS.replace('SETTINGS', settings), context);
    };
    const expected = run(true, '');
    expect(run(false, '')).toBe(expected);
    expect(run(true, '{ jitless: true }')).toBe(expected);
  });

  it('a runtime that was started without eval is not asked again, and jitless does not ask at all', async () => {
    const text = await bundle('cpu', 'cpu');
    const count = async (settings: string): Promise<string> => {
      const script = `
        let asked = 0;
        const Real = Function;
        globalThis.Function = new Proxy(Real, { construct() { asked++; throw new EvalError('not allowed'); } });
        ${text}
        ${TRAINS.replace('SETTINGS', settings)};
        console.log(asked);`;
      // through standard input: as an argument it would be too long
      const running = promisify(execFile)(process.execPath, ['-']);
      running.child.stdin!.end(script);
      return (await running).stdout.trim();
    };
    expect(await count('')).toBe('1');
    expect(await count('{ jitless: true }')).toBe('0');
  });
});
