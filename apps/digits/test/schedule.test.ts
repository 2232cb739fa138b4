import { describe, expect, it } from 'vitest';
import { DEFAULTS, type Options } from '../src/options.ts';
import { SCHEDULES } from '../src/schedule-names.ts';
import { createSchedule } from '../src/schedule.ts';

const STEPS = 600;
const rates = (options: Partial<Options>): number[] => {
  const schedule = createSchedule({ ...DEFAULTS, learningRate: 0.5, ...options }, STEPS);
  return Array.from({ length: STEPS + 1 }, (_, step) => schedule?.call(step) ?? Number.NaN);
};

describe('schedules', () => {
  it('are off without a name', () => {
    expect(createSchedule({ ...DEFAULTS, schedule: null }, STEPS)).toBeNull();
  });

  it.each([
    ['cosine', 0],
    ['exponential', 0.05],
    ['inverse-time', 0.05],
    ['piecewise', 0.005],
    ['polynomial', 0.005],
  ] as const)('%s goes from the learning rate down to its end', (schedule, end) => {
    const all = rates({ schedule });
    expect(all[0]).toBe(0.5);
    expect(all[STEPS]).toBeCloseTo(end, 6);
    expect(all.every((rate, i) => i === 0 || rate <= (all[i - 1] as number))).toBe(true);
  });

  it('cosine-restarts starts again after a third', () => {
    const all = rates({ schedule: 'cosine-restarts' });
    expect([all[0], all[200]]).toEqual([0.5, 0.5]);
    expect(all[199]).toBeLessThan(0.001);
    expect(all[599]).toBeLessThan(0.001);
  });

  it('cosine warms up: from 0 to the learning rate, or from the learning rate to the target', () => {
    const fromZero = rates({ schedule: 'cosine', warmupSteps: 100 });
    expect([fromZero[0], fromZero[100], fromZero[STEPS]]).toEqual([0, 0.5, 0]);
    const toTarget = rates({ schedule: 'cosine', warmupTarget: 2 });
    expect([toTarget[0], toTarget[60], toTarget[STEPS]]).toEqual([0.5, 2, 0]);
    const both = rates({ schedule: 'cosine', warmupTarget: 2, warmupSteps: 300 });
    expect([both[0], both[300], both[STEPS]]).toEqual([0.5, 2, 0]);
  });

  it.each(SCHEDULES)('%s takes options of its own', (schedule) => {
    const name = 'mine';
    expect(createSchedule({ ...DEFAULTS, schedule, scheduleOptions: { name } }, STEPS)?.getConfig()).toMatchObject({
      name,
    });
  });
});
