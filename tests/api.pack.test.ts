import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reports } from '../tooling/api.mjs';
import { root } from './workspace.ts';

const now = reports();
const read = (file: string): string => readFileSync(join(root, 'api', file), 'utf8');

describe('api/', () => {
  it('has a report for each module that is published', () => {
    expect(new Set(readdirSync(join(root, 'api')))).toEqual(new Set(now.keys()));
  });

  it.each([...now])('%s is what the package offers; if it should be, run `npm run api`', (file, text) => {
    expect(text).toBe(read(file));
  });
});
