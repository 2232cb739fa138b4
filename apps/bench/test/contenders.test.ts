import { describe, expect, it } from 'vitest';
import { createTask, type Task } from '../src/contender.ts';
import { CONTENDERS } from '../src/contenders.ts';
import { OPTION_SETS, type OptionSet } from '../src/options.ts';
import type { Workload } from '../src/workloads.ts';

const workload: Workload = { name: 'small', shapes: [[1000], [3, 5], [], [7, 2, 2]], elements: 1044 };

/** The largest distance between two lists of arrays. */
const apart = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
  Math.max(...a.flatMap((values, v) => [...values].map((value, i) => Math.abs(value - b[v]![i]!))));

/** How far from `cpu` a contender may be. */
function allowed(name: string, { options }: OptionSet): number {
  if (name.startsWith('tf.train:')) return 1e-6; // another rule, the same up to rounding
  return name === 'loop' && options.globalClipnorm ? 1e-6 : 0; // it sums norms in another order
}

async function stepped(name: string, task: Task, count: number): Promise<readonly Float32Array[]> {
  const run = await CONTENDERS.find((contender) => contender.name === name)!.start(task);
  try {
    for (let i = 0; i < count; i++) {
      await run.turn?.();
      await run.step();
    }
    return await run.weights();
  } finally {
    await run.dispose();
  }
}

describe.each(OPTION_SETS.map((set) => [set.name, set] as const))('%s', (_name, set) => {
  const task = createTask(set, workload);
  const names = CONTENDERS.filter(({ takes }) => takes?.(set) ?? true).map(({ name }) => name);

  it.each(names)('%s does the work that cpu does', async (name) => {
    const [expected, found] = [await stepped('cpu', task, 12), await stepped(name, task, 12)];
    expect(found.map(({ length }) => length)).toEqual([1000, 15, 1, 28]);
    expect(apart(found, expected)).toBeLessThanOrEqual(allowed(name, set));
    expect(apart(found, task.variables())).toBeGreaterThan(1e-3);
  });
});

describe('contenders', () => {
  it('have names of their own, and leave tf.train to what it can do', () => {
    const names = CONTENDERS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const sets = OPTION_SETS.filter((set) => CONTENDERS.find(({ name }) => name === 'tf.train:wasm')!.takes!(set));
    expect(sets.map(({ name }) => name)).toEqual(['plain', 'momentum']);
  });

  it('take turns in one process without disturbing each other', async () => {
    const set = OPTION_SETS.find(({ name }) => name === 'momentum')!;
    const task = createTask(set, workload);
    const alone = [];
    for (const { name } of CONTENDERS) alone.push(await stepped(name, task, 6));
    const runs = [];
    for (const contender of CONTENDERS) runs.push(await contender.start(task));
    for (let i = 0; i < 6; i++) {
      for (const run of runs) {
        await run.turn?.();
        await run.step();
      }
    }
    for (const [i, run] of runs.entries()) expect(apart(await run.weights(), alone[i]!)).toBe(0);
    for (const run of runs) await run.dispose();
  });

  it('say how much memory they hold, in proportion to the workload', () => {
    const twice = { ...workload, shapes: [[2088]], elements: 2088 };
    const whole = { ...workload, shapes: [[1044]] };
    for (const set of OPTION_SETS) {
      for (const { memory } of CONTENDERS) {
        expect(memory(set, whole)).toBeGreaterThanOrEqual(4 * 1044);
        expect(memory(set, twice)).toBe(2 * memory(set, whole));
      }
    }
  });
});
