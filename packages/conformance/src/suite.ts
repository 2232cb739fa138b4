import type { GoldenFiles } from './goldens/format.ts';
import { builtinGoldens, type Goldens, openGoldens } from './goldens/open.ts';
import { checksRoom } from './rooms/checks.ts';
import { combinationsRoom } from './rooms/combinations.ts';
import { contractRoom } from './rooms/contract.ts';
import { finitenessRoom } from './rooms/finiteness.ts';
import { goldensRoom } from './rooms/goldens.ts';
import { lifecycleRoom } from './rooms/lifecycle.ts';
import { overlapRoom } from './rooms/overlap.ts';
import { normsRoom } from './rooms/norms.ts';
import { ownershipRoom } from './rooms/ownership.ts';
import { refusalRoom } from './rooms/refusal.ts';
import { roundingRoom } from './rooms/rounding.ts';
import { schedulesRoom } from './rooms/schedules.ts';
import { serializationRoom } from './rooms/serialization.ts';
import { shapesRoom } from './rooms/shapes.ts';
import { stateRoom } from './rooms/state.ts';
import { valuesRoom } from './rooms/values.ts';
import type { SuiteTest } from './test.ts';

const rooms: readonly ((goldens: Goldens) => SuiteTest[])[] = [
  goldensRoom,
  contractRoom,
  valuesRoom,
  schedulesRoom,
  checksRoom,
  serializationRoom,
  combinationsRoom,
  roundingRoom,
  shapesRoom,
  finitenessRoom,
  normsRoom,
  ownershipRoom,
  refusalRoom,
  stateRoom,
  lifecycleRoom,
  overlapRoom,
];

/** All tests over these goldens, in the order of the rooms. What there is to test does not depend on the backend. */
export function suite(goldens: GoldenFiles = builtinGoldens()): SuiteTest[] {
  return suiteOver(openGoldens(goldens));
}

/** The same over goldens that are open. */
export function suiteOver(goldens: Goldens): SuiteTest[] {
  return rooms.flatMap((room) => room(goldens));
}
