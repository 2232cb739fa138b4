import { SGD, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { wasm, type WasmBackend, type WasmTensor } from '@sgd/wasm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { numbers, same } from './trial.ts';

const PAGE = 65536;

afterEach(() => void vi.restoreAllMocks());

/** A tensor in memory that was never used and so is zero: left alone, it costs address space and no memory. */
function untouched(backend: WasmBackend, elements: number): WasmTensor {
  vi.spyOn(Float32Array.prototype, 'fill').mockImplementation(function (this: Float32Array) {
    return this;
  });
  const tensor = backend.zeros([elements]);
  vi.restoreAllMocks();
  return tensor;
}

/** Takes all memory that is left, in tensors of one line each; the last one lies at the end. */
function takeTheRest(backend: WasmBackend): WasmTensor[] {
  const lines: WasmTensor[] = [];
  for (;;) {
    try {
      lines.push(backend.zeros([16]));
    } catch {
      return lines;
    }
  }
}

describe('an arena of 4 GiB', async () => {
  const backend = await wasm({ reserve: 2 ** 32 - PAGE });
  // for slots and records, when it is free
  let hole = backend.zeros([PAGE]);
  untouched(backend, (2 ** 32 - 6 * PAGE) / 4);
  let last = takeTheRest(backend).slice(-2);
  const places = last.map(({ data }) => data.byteOffset);

  it('is as large as that, and handed out but for a line', () => {
    expect(last[1]!.data.buffer.byteLength).toBe(2 ** 32);
    expect(places).toEqual([2 ** 32 - 3 * 64, 2 ** 32 - 2 * 64]);
  });

  it.each<[string, SGDOptions]>([
    ['momentum', { momentum: 0.9, nesterov: true }],
    ['clipnorm', { clipnorm: 0.1 }],
    ['global-clipnorm', { globalClipnorm: 0.1 }],
    ['average', { useEma: true, weightDecay: 0.1 }],
    ['accumulation', { gradientAccumulationSteps: 2 }],
  ])('updates and checks what lies at its very end: %s', (_name, options) => {
    for (let n = 1; n <= 16; n++) {
      for (const tensor of last) backend.free(tensor);
      last = [backend.from(numbers(n, n, 0)), backend.from(numbers(n, n, 0))];
      expect(last.map(({ data }) => data.byteOffset)).toEqual(places);
      const [w, g] = (n & 1 ? last : last.toReversed()) as [WasmTensor, WasmTensor];
      const expected = w.data.slice();
      backend.free(hole);
      const ours = new SGD(options, backend, { nonFinite: 'skip' });
      const theirs = new SGD(options, cpu(), { nonFinite: 'skip' });
      ours.build([w]);
      theirs.build([expected]);
      for (let step = 0; step < 4; step++) {
        g.data.set(numbers(n + step, n, 0));
        if (step === 1) g.data[n - 1] = NaN;
        const what = `${n} elements, step ${step}`;
        expect(ours.apply([g]), what).toBe(step !== 1);
        theirs.apply([g.data.slice()]);
        same(w.data, expected, what);
      }
      ours.dispose();
      hole = backend.zeros([PAGE]);
    }
  });
});
