import { describe, expect, it } from 'vitest';
import { runSuite } from '../src/index.ts';
import { mutants, mutate } from './mutants.ts';

describe('the suite catches', () => {
  const rooms = [...new Set(mutants.map(({ room }) => room))];

  it('nothing where nothing is wrong', async () => {
    const report = await runSuite({ backend: mutate({}), only: rooms });
    expect(report.failures).toEqual([]);
  });

  it.each(mutants)('$name (room "$room")', async ({ hooks, room }) => {
    const { failures } = await runSuite({ backend: mutate(hooks), only: [room] });
    expect(failures.length).toBeGreaterThan(0);
  });
});
