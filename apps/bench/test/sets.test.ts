import { expect, it, describe } from 'vitest';
import type { Contender, Task } from '../src/contender.ts';
import { CONTENDERS } from '../src/contenders.ts';
import { OPTION_SETS } from '../src/options.ts';
import { takeTurns } from '../src/sets/turns.ts';
import type { Effort } from '../src/timing.ts';

const workload = { name: 'small', shapes: [[30], [70]], elements: 100 };
const effort: Effort = { samples: 2, sample: 10, warmUp: 0, patience: Infinity };
const named = (...names: string[]): typeof OPTION_SETS => OPTION_SETS.filter(({ name }) => names.includes(name));

/** A contender that notes its steps, and what it was started with. */
function noted(more: (task: Task) => void = () => {}): { contender: Contender; steps: string[]; tasks: Task[] } {
  const steps: string[] = [];
  const tasks: Task[] = [];
  const start: Contender['start'] = (task) => {
    more(task);
    tasks.push(task);
    const step = (): void => void steps.push(task.set.name);
    return { step, weights: () => Promise.resolve([]), dispose: () => void steps.push(`${task.set.name} ends`) };
  };
  return { contender: { name: 'noted', memory: () => 0, start }, steps, tasks };
}

describe('sets of options', () => {
  it('take turns, one cycle each, on gradients of their own', async () => {
    const { contender, steps, tasks } = noted();
    const { rows } = await takeTurns(workload, contender, named('plain', 'momentum', 'all:update'), effort);
    const round = 'plain momentum all:update all:update all:update all:update';
    const ends = 'plain ends momentum ends all:update ends';
    const turns = Array<string>(20).fill(round).join(' ');
    expect(steps.join(' ').endsWith(` ${turns} ${ends}`)).toBe(true);
    expect(rows.map(({ samples }) => samples)).toEqual([20, 20, 20]);
    expect(new Set(tasks.map(({ gradients }) => gradients[0])).size).toBe(3);
  });

  it('are told against momentum, with figures that agree', async () => {
    const cpu = CONTENDERS.find(({ name }) => name === 'cpu')!;
    const { rows, skipped } = await takeTurns(workload, cpu, OPTION_SETS, effort);
    expect(skipped).toEqual([]);
    expect(rows.map(({ options }) => options)).toEqual(OPTION_SETS.map(({ name }) => name));
    const momentum = rows.find(({ options }) => options === 'momentum')!;
    expect(momentum.timesMomentum).toBe(1);
    for (const row of rows) {
      expect(row).toMatchObject({ workload: 'small', contender: 'cpu', samples: 20, noisy: row.spread > 0.1 });
      expect(row.timesMomentum).toBeCloseTo(row.nsPerElement / momentum.nsPerElement, 9);
    }
  });

  it('go on without one that does not start, and without momentum there is no ratio', async () => {
    const { contender, steps } = noted(({ set: { name } }) => {
      if (name === 'momentum') throw new Error('no engine');
    });
    const { rows, skipped } = await takeTurns(workload, contender, named('plain', 'momentum'), effort);
    expect(rows).toMatchObject([{ options: 'plain', timesMomentum: null }]);
    expect(skipped).toEqual([
      { workload: 'small', options: 'momentum', contender: 'noted', why: 'failed: Error: no engine', failed: true },
    ]);
    expect(steps.at(-1)).toBe('plain ends');
  });
});
