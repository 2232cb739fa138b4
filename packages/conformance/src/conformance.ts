import { checkOptions, type Mode } from '@sgd/core';
import type { SuiteTest } from './test.ts';
import { checkExpectedFailures, onceOnly, OPTIONS, runTest, type SuiteOptions, unexpectedPass } from './run.ts';
import { suite } from './suite.ts';

/** The two functions of a test runner that the suite needs: those of vitest, node:test, mocha, jest, jasmine, … */
export interface Runner {
  /** Groups the tests that `body` registers. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Registers one test. */
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** What {@link conformance} takes. */
export interface ConformanceOptions<V, G, M extends Mode> extends SuiteOptions<V, G, M>, Runner {}

/**
 * Registers the whole suite with a test runner: one `describe` for each room, one `it` for each test, named by its id.
 *
 * Where the backend leaves a feature out of `supports`, the tests that need it assert that core refuses it. Nothing is skipped for
 * any other reason. `expectedFailures` are run like all others, and fail when they pass.
 *
 * @example
 * ```ts
 * import { conformance } from '@sgd/conformance';
 * import { cpu } from '@sgd/cpu';
 * import { describe, it } from 'vitest';
 *
 * conformance({ backend: cpu(), describe, it });
 * ```
 *
 * @throws TypeError an expected failure has no reason, or names no test; SgdError `SGD_INVALID_OPTION` an unknown option
 */
export function conformance<V, G, M extends Mode>(options: ConformanceOptions<V, G, M>): void {
  checkOptions(options, [...OPTIONS, 'describe', 'it'], 'conformance');
  const { describe, it, expectedFailures = {} } = options;
  const tests = suite(options.goldens);
  checkExpectedFailures(expectedFailures, tests);
  const backend = onceOnly(options.backend);
  for (const [room, list] of byRoom(tests)) {
    describe(`conformance: ${room}`, () => {
      for (const test of list) {
        const reason = Object.hasOwn(expectedFailures, test.id) ? expectedFailures[test.id] : undefined;
        if (reason === undefined)
          it(`${test.id}: ${test.title}`, async () => void (await runTest(test, await backend())));
        else it(`${test.id}: expected to fail: ${reason}`, async () => failing(test, reason, await backend()));
      }
    });
  }
}

async function failing(test: SuiteTest, reason: string, backend: Parameters<typeof runTest>[1]): Promise<void> {
  try {
    await runTest(test, backend);
  } catch {
    return;
  }
  throw new Error(unexpectedPass(test.id, reason));
}

function byRoom(tests: readonly SuiteTest[]): Map<string, SuiteTest[]> {
  const rooms = new Map<string, SuiteTest[]>();
  for (const test of tests) {
    const list = rooms.get(test.room);
    if (list) list.push(test);
    else rooms.set(test.room, [test]);
  }
  return rooms;
}
