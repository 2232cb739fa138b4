import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import type { Detail } from '../src/failure.ts';
import { builtinGoldens, type GoldenFiles, type Report, runSuite } from '../src/index.ts';
import { asUnseen, isExpectation, isFloat, type Moved, type Sabotage, sabotage } from './sabotage.ts';

const rooms = ['goldens', 'values', 'schedules', 'checks', 'serialization'];
const run = (goldens: GoldenFiles): Promise<Report> => runSuite({ backend: cpu(), goldens, only: rooms });

/** A moved number as a detail names it. */
function named({ id, path }: Moved, files: GoldenFiles): string {
  const [top, index, field, variable, element] = path;
  const one = Object.values(files)
    .filter((text) => text.includes(`"${id}"`))
    .map((text) => (JSON.parse(text) as { cases: { id: string }[] }).cases.find((test) => test.id === id))
    .find((test) => test !== undefined) as unknown as {
    variables?: { path: string }[];
    steps: { vars?: number[] }[];
    expect: { step: number }[];
  };
  const variables = one.variables?.map((v) => v.path) ?? [];
  if (top === 'variables') return [id, 'values', variables[Number(index)], variable].join('|');
  if (top === 'final') return [id, 'final', variables[Number(field)], variable].join('|');
  if (top === 'steps') {
    const owner = one.steps[Number(index)]!.vars?.[Number(variable)] ?? Number(variable);
    return [id, index, 'grads', variables[owner], element].join('|');
  }
  if (top === 'expect') {
    const step = one.expect[Number(index)]!.step;
    return path.length === 3
      ? [id, step, field].join('|')
      : [id, step, field, variables[Number(variable)], element].join('|');
  }
  return [id, path.join('.')].join('|');
}

function asNamed({ case: id, step, field, variable, element }: Detail): string {
  if (id?.startsWith('schedule')) return [id, field?.includes('.') ? field : `${field}.${element}`].join('|');
  return [id, field === 'values' || field === 'final' ? undefined : step, field, variable, element]
    .filter((x) => x !== undefined)
    .join('|');
}

const lastId = (text: string): string | undefined => [...text.matchAll(/^\{"id":"([^"]+)/gm)].at(-1)?.[1];

function wantExactly(
  report: Report,
  { moved, removed, truncated, files }: Sabotage,
  original: GoldenFiles,
  ids: 'whole' | 'numbers',
): void {
  const found = new Set(
    report.failures.flatMap(({ details }) => details.filter((d) => d.case !== undefined).map(asNamed)),
  );
  expect([...found].sort()).toEqual(moved.map((one) => named(one, original)).sort());
  // without a recording of our own, ids are known by number only, and not at all where nothing follows
  const follows = (id: string): boolean =>
    Object.values(files).some((text) => text.includes(`"id":"${/^.+?-/.exec(id)![0]}`) && lastId(text)! > id);
  const expected = ids === 'whole' ? removed : removed.filter(follows).map((id) => /^.+?-\d+/.exec(id)![0]);
  const missing = report.goldens.findings.filter(({ kind }) => kind === 'missing-cases');
  expect(missing.flatMap(({ cases = [] }) => cases).sort()).toEqual([...expected].sort());
  const atTheEnd = missing.map(({ message }) => Number(/(\d+) at the end/.exec(message)?.[1] ?? 0));
  expect(atTheEnd.reduce((sum, n) => sum + n, 0)).toBe(removed.length - expected.length);
  expect(report.goldens.findings.filter(({ kind }) => kind === 'truncated').map(({ file }) => file)).toEqual(
    truncated ? [truncated] : [],
  );
  const altered = Object.keys(files).filter((name) => files[name] !== original[name] && name !== truncated);
  expect(report.goldens.findings.filter(({ kind }) => kind === 'altered').map(({ file }) => file)).toEqual(altered);
  expect(report.failed).toBeGreaterThan(0);
}

describe('goldens that were tampered with', () => {
  const seeds = [1, 2, 3, 4];

  it.each(seeds)('names exactly 20 moved numbers, 3 removed cases and the truncated file (seed %i)', async (seed) => {
    const original = builtinGoldens();
    const sabotaged = sabotage(original, { seed });
    wantExactly(await run(sabotaged.files), sabotaged, original, 'whole');
  });

  it.each(seeds)(
    'does so for goldens that it has never seen, from their hashes and what is computed (seed %i)',
    async (seed) => {
      const original = asUnseen(builtinGoldens());
      const sabotaged = sabotage(original, { seed: 100 + seed, among: isExpectation });
      wantExactly(await run(sabotaged.files), sabotaged, original, 'numbers');
    },
  );

  it.each(seeds)(
    'finds moved inputs of goldens that it has never seen (seed %i)',
    async (seed) => {
      const original = asUnseen(builtinGoldens());
      const sabotaged = sabotage(original, { seed: 200 + seed, among: isFloat, inputsPerCase: 1 });
      wantExactly(await run(sabotaged.files), sabotaged, original, 'numbers');
    },
    60_000,
  );
});
