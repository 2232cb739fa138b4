import { wasmProbe } from '@sgd/compile';
import { conformance, strict } from '@sgd/conformance';
import { SGD } from '@sgd/core';
import { wasm } from '@sgd/wasm';
import backend from '@sgd/wasm/conformance';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { programs, steps, trial } from './trial.ts';

// in a real browser, goldens included
conformance({ backend: () => backend(), describe, it });
conformance({ backend: () => backend('arrays'), describe, it });
conformance({ backend: async () => strict(await backend()), describe, it });

describe('in a browser', () => {
  it.each([
    ['tensors of the arena', 0],
    ['ordinary arrays', 3],
  ])(
    'any options, any steps: the bits of @sgd/cpu, %s',
    async (_name, arrays) => {
      const engine = await wasm();
      await fc.assert(
        fc.asyncProperty(programs, steps, fc.nat(), (program, drawn, seed) =>
          trial(engine, program, drawn, 40, seed, arrays),
        ),
        { numRuns: 50 },
      );
    },
    60_000,
  );

  it('trains through core', async () => {
    const engine = await wasm();
    const w = engine.from([1, 1]);
    const optimizer = new SGD({ learningRate: 0.5 }, engine);
    optimizer.build({ w });
    expect(optimizer.apply({ w: new Float32Array([1, 2]) })).toBe(true);
    expect(Array.from(w.data)).toEqual([0.5, 0]);
  });
});

describe('in a page with a content security policy', () => {
  /** What a script in a frame with this policy says. */
  async function run(policy: string, script: string): Promise<unknown> {
    const frame = document.createElement('iframe');
    frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="script-src 'nonce-x' ${policy}"><script nonce="x">${script}</script>`;
    const said = new Promise((resolve) => {
      addEventListener('message', function listen(event) {
        if (event.source !== frame.contentWindow) return;
        removeEventListener('message', listen);
        resolve(event.data);
      });
    });
    document.body.append(frame);
    try {
      return await said;
    } finally {
      frame.remove();
    }
  }
  const compile = `
    const tried = (make) => { try { return !!make(); } catch { return false; } };
    const bytes = new Uint8Array([${wasmProbe().join()}]);
    parent.postMessage([tried(() => new WebAssembly.Module(bytes)), tried(() => new Function('return 1'))], '*');`;

  it('wasm-unsafe-eval is what the kernels need', async () => {
    expect(await run("'wasm-unsafe-eval'", compile)).toEqual([true, false]);
    expect(await run('', compile)).toEqual([false, false]);
  });
});

describe('in a worker', () => {
  it('trains', async () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const said = new Promise((resolve, reject) => {
      worker.addEventListener('message', ({ data }) => resolve(data));
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
    });
    expect(await said).toEqual([0.5, 0]);
    worker.terminate();
  });
});
