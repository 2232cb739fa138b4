import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cpu } from '@sgd/cpu';
import type { Backend, HostTensor } from '@sgd/core';
import { AdamLike, SURROUNDINGS, trained, TrustPower } from '../../../tests/support/rules.ts';
import { conformance } from '../src/index.ts';

const page = readFileSync(new URL('../../../docs/write-a-backend.md', import.meta.url), 'utf8');
const folder = fileURLToPath(new URL('../../../.test-results/write-a-backend/', import.meta.url));
const block = [...page.matchAll(/^```ts\n(.*?)^```$/gms)]
  .map(([, code]) => code!)
  .find((code) => code.includes('export const small'))!;

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}small.ts`, block);
const { small } = (await import(/* @vite-ignore */ pathToFileURL(`${folder}small.ts`).href)) as {
  small: () => Backend<HostTensor, HostTensor, 'sync'>;
};

// the backend of the page, as it stands there
conformance({ backend: small(), describe, it });

describe('the backend of the page', () => {
  it('has at most sixty lines of code, and every feature', () => {
    const lines = block.split('\n').filter((line) => line.trim() !== '');
    expect(lines.length).toBeLessThanOrEqual(60);
    expect([...small().supports].sort()).toEqual([...cpu().supports].sort());
    expect(small().tolerance).toEqual({ rtol: 0, atol: 0 });
  });

  it.each([AdamLike, TrustPower])('has the bits of @sgd/cpu with %o', async (Optimizer) => {
    for (const options of SURROUNDINGS) {
      const [got, expected] = [await trained(Optimizer, options, small()), await trained(Optimizer, options, cpu())];
      expect(got.tensors).toEqual(expected.tensors);
      expect(got.measured.updateNorm).toBeCloseTo(expected.measured.updateNorm!, 9);
    }
  });
});
