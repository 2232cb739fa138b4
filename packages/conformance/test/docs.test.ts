import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Backend, HostTensor } from '@sgd/core';
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
  it('has under eighty lines, thirteen of them arithmetic', () => {
    expect(block.split('\n').length).toBeLessThan(80);
    const from = block.indexOf('if (program.finiteCheck');
    const arithmetic = block.slice(from, block.indexOf('return true;')).trim().split('\n');
    expect(arithmetic).toHaveLength(13);
  });
});
