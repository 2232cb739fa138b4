import { builtinGoldens, type Goldens, openGoldens } from './goldens/open.ts';
import type { GoldenFiles } from './goldens/format.ts';
import { checksRoom } from './rooms/checks.ts';
import { goldensRoom } from './rooms/goldens.ts';
import { schedulesRoom } from './rooms/schedules.ts';
import { serializationRoom } from './rooms/serialization.ts';
import { valuesRoom } from './rooms/values.ts';
import type { SuiteTest } from './test.ts';

const rooms: readonly ((goldens: Goldens) => SuiteTest[])[] = [
  goldensRoom,
  valuesRoom,
  schedulesRoom,
  checksRoom,
  serializationRoom,
];

/** All tests over these goldens, in the order of the rooms. What there is to test does not depend on the backend. */
export function suite(goldens: GoldenFiles = builtinGoldens()): SuiteTest[] {
  const opened = openGoldens(goldens);
  return rooms.flatMap((room) => room(opened));
}
