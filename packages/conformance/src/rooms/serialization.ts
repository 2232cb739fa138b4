import { deserialize, deserializeSchedule, serialize, SGD } from '@sgd/core';
import type { AnyBackend } from '../backend.ts';
import { type Detail, throwIfAny } from '../failure.ts';
import type { ScheduleCase, SerializedObject, TrajectoryCase } from '../goldens/format.ts';
import { withNumbers } from '../goldens/format.ts';
import type { Goldens } from '../goldens/open.ts';
import { inConstruction } from '../replay/differences.ts';
import { compareJson } from '../replay/compare.ts';
import { makeOptimizer } from '../replay/make.ts';
import { twinOf } from '../replay/twin.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('serialization');

/** What Keras writes for an optimizer or schedule is what we write, key order included, and reads back as the same. */
export function serializationRoom(goldens: Goldens): SuiteTest[] {
  return goldens.files
    .filter((file) => file.kind !== 'checks')
    .map((file) =>
      test(file.name, 'each object is written as Keras writes it, and read back as the same', async ({ backend }) => {
        // where the recorded case is known, an alteration of it was named before
        const cases = <C extends { id: string }>(all: readonly C[]): C[] =>
          all.map((one) => twinOf(goldens, file.name, one) ?? one);
        throwIfAny(
          file.kind === 'trajectories' ? optimizers(cases(file.cases), backend) : schedules(cases(file.cases)),
        );
      }),
    );
}

function optimizers(cases: readonly TrajectoryCase[], backend: AnyBackend): Detail[] {
  return cases.flatMap((one) => {
    if (inConstruction.some(({ applies }) => applies(one.optimizer))) return [];
    const fresh = makeOptimizer(one.optimizer, backend, () => {});
    const written = serialize(fresh);
    const again = deserialize(structuredClone(written), backend, { onWarning: () => {} });
    const details = [
      ...named(one.id, 'serialized', one.serialized, written),
      ...named(one.id, 'serialize(deserialize(serialized))', written, again && serialize(again)),
    ];
    if (fresh instanceof SGD) {
      const config = fresh.getConfig();
      details.push(...named(one.id, 'fromConfig(getConfig())', config, SGD.fromConfig(config, backend).getConfig()));
    }
    return details;
  });
}

function schedules(cases: readonly ScheduleCase[]): Detail[] {
  return cases.flatMap((one) =>
    named(
      one.id,
      'schedule',
      one.schedule,
      serialize(deserializeSchedule(withNumbers(one.schedule) as SerializedObject)),
    ),
  );
}

function named(id: string, field: string, expected: unknown, got: unknown): Detail[] {
  return compareJson(expected, got, [field]).map((detail) => ({
    ...detail,
    case: id,
    message: `${id}: ${detail.message}`,
  }));
}
