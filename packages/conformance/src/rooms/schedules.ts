import { deserializeSchedule } from '@sgd/core';
import { type Detail, throwIfAny } from '../failure.ts';
import {
  type GoldenNumber,
  type ScheduleCase,
  type SerializedObject,
  toNumber,
  withNumbers,
} from '../goldens/format.ts';
import { digestFinding, type Goldens } from '../goldens/open.ts';
import { ulpsBetween } from '../numbers.ts';
import { movedInTwin } from '../replay/twin.ts';
import { inRoom, type SuiteTest, unfitTests } from '../test.ts';

const test = inRoom('schedules');

/**
 * Every recorded point of every schedule, within one ulp: pow, cos and log are the only functions that engines round differently.
 * Recorded with numpy's vector kernels off; with them on, Keras's own restarts move by up to 2 ulp and more.
 */
export function schedulesRoom(goldens: Goldens): SuiteTest[] {
  return goldens.files
    .filter((file) => file.kind === 'schedules')
    .flatMap((file) => [
      ...file.cases.map((one) =>
        test(one.id, `${one.schedule.class_name}, steps 0 to a million`, async () => {
          const moved = movedInTwin(goldens, file.name, one);
          if (moved) throwIfAny(moved);
          // in a file that was altered the ulp that we allow may be what was moved
          const altered = Boolean(await digestFinding(goldens, file.name));
          const found = points(one, altered && !moved ? 0 : 1);
          throwIfAny(altered ? found.map((detail) => ({ ...detail, moved: true })) : found);
        }),
      ),
      ...unfitTests(test, file),
    ]);
}

function points(one: ScheduleCase, allowed: number): Detail[] {
  const schedule = deserializeSchedule(withNumbers(one.schedule) as SerializedObject);
  const rows: readonly [string, readonly number[], readonly GoldenNumber[]][] = [
    ['values', one.steps, one.values],
    ['farValues', one.farSteps ?? [], one.farValues ?? []],
    ['fractionalValues', one.fractionalSteps ?? [], one.fractionalValues ?? []],
  ];
  const details: Detail[] = [];
  for (const [field, steps, values] of rows) {
    if (steps.length !== values.length)
      details.push({ case: one.id, field, message: `${one.id}: ${values.length} ${field} for ${steps.length} steps` });
    steps.forEach((step, element) => {
      if (values[element] === undefined) return;
      const expected = Math.fround(toNumber(values[element]));
      const got = schedule.call(step);
      const ulps = ulpsBetween(expected, got, 'float32');
      if (ulps <= allowed) return;
      const fragile = one.fragileSteps?.includes(step)
        ? ', a step whose restart hangs on the last bit of a logarithm'
        : '';
      const message = `${one.id}: ${field}[${element}], step ${step}: expected ${expected}, got ${got} (${ulps} ulp)${fragile}`;
      details.push({ case: one.id, field, step, element, expected, got, ulps, message });
    });
  }
  return details;
}
