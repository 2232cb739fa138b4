import { checkOptions, type Mode } from '@sgd/core';
import type { Detail } from './failure.ts';
import { builtinGoldens, digestFinding, type Finding, type Goldens, openGoldens } from './goldens/open.ts';
import { checkExpectedFailures, onceOnly, OPTIONS, resultOf, type SuiteOptions, type TestResult } from './run.ts';
import { suiteOver } from './suite.ts';
import type { SuiteTest } from './test.ts';

/** How many tests of a room ended how. */
export interface RoomCounts {
  /** A group of tests, e.g. `goldens` or `errors`. */
  readonly room: string;
  /** Tests that passed. */
  passed: number;
  /** The backend leaves a feature out, and the refusal was asserted. */
  refused: number;
  /** Tests that failed, and were not expected to. */
  failed: number;
  /** Tests that failed, as expected. One that passes in spite of that counts as failed. */
  expectedFailures: number;
}

/** What a run of the suite found. */
export interface Report {
  /** What the backend says of itself. */
  readonly backend: {
    readonly name: string;
    readonly mode: Mode;
    readonly tolerance: { rtol: number; atol: number };
    readonly supports: readonly string[];
  };
  /** The recordings, and what is wrong with them. */
  readonly goldens: {
    readonly set: string;
    /** Files that the manifest does not list: not run. */
    readonly unlisted: readonly string[];
    /** What is wrong with the files: altered, truncated, cases missing, … */
    readonly findings: readonly Finding[];
    /** Golden numbers that are not the recorded ones. */
    readonly moved: readonly Detail[];
  };
  /** By group, in the order in which they ran. */
  readonly rooms: readonly RoomCounts[];
  /** Of each test that failed, what was wrong. */
  readonly failures: readonly { readonly id: string; readonly title: string; readonly details: readonly Detail[] }[];
  /** Over all groups. */
  readonly passed: number;
  /** Over all groups. */
  readonly refused: number;
  /** Over all groups. */
  readonly failed: number;
  /** Over all groups. */
  readonly expectedFailures: number;
  /** Of the whole run. */
  readonly seconds: number;
}

/** What {@link runSuite} takes. */
export interface RunOptions<V, G, M extends Mode> extends SuiteOptions<V, G, M> {
  /** Run only these: ids of tests or cases, or rooms. */
  readonly only?: readonly string[] | undefined;
  /** Called after each test. */
  readonly onResult?: ((result: TestResult, done: number, total: number) => void) | undefined;
}

/** Whether `--only` means this test: its id, its room, or its name inside the room (`option-004-momentum`). */
function isMeant(test: SuiteTest, only: readonly string[]): boolean {
  return only.some((name) => name === test.id || name === test.room || test.id === `${test.room}/${name}`);
}

/** Goldens that could not be read leave out tests: then that is what is wrong, not the name. */
function noSuchTest(name: string, { findings }: Goldens): TypeError {
  const [first, ...more] = findings;
  const rest = more.length > 0 ? `; and ${more.length} more like this` : '';
  const why = first ? `, as goldens could not be read: ${first.message}${rest}` : '';
  return new TypeError(`there is no test ${JSON.stringify(name.slice(0, 200))}${why}`);
}

/**
 * Runs the suite without a test runner.
 *
 * @throws TypeError an expected failure has no reason or names no test; `only` names nothing; SgdError `SGD_INVALID_OPTION` an unknown option
 */
export async function runSuite<V, G, M extends Mode>(options: RunOptions<V, G, M>): Promise<Report> {
  checkOptions(options, [...OPTIONS, 'only', 'onResult'], 'runSuite');
  const { goldens = builtinGoldens(), expectedFailures = {}, only, onResult } = options;
  const opened = openGoldens(goldens);
  const all = suiteOver(opened);
  checkExpectedFailures(expectedFailures, all);
  const tests = only ? all.filter((test) => isMeant(test, only)) : all;
  for (const name of only ?? []) if (!all.some((test) => isMeant(test, [name]))) throw noSuchTest(name, opened);
  const backend = await onceOnly(options.backend)();
  const start = performance.now();
  const results: TestResult[] = [];
  for (const test of tests) {
    const result = await resultOf(test, backend, expectedFailures);
    results.push(result);
    onResult?.(result, results.length, tests.length);
  }
  const { name, mode, tolerance, supports } = backend;
  const { set, unlisted, findings } = opened;
  const digests = await Promise.all(opened.files.map(({ name: file }) => digestFinding(opened, file)));
  const altered = digests.filter((finding) => finding !== null && finding !== undefined);
  const summary = summaryOf(results);
  const moved = summary.failures.flatMap(({ details }) => details.filter((detail) => detail.moved));
  return {
    backend: { name, mode, tolerance, supports: [...supports] },
    goldens: { set, unlisted, findings: [...findings, ...altered], moved },
    ...summary,
    seconds: (performance.now() - start) / 1000,
  };
}

function summaryOf(
  results: readonly TestResult[],
): Pick<Report, 'rooms' | 'failures' | 'passed' | 'refused' | 'failed' | 'expectedFailures'> {
  const rooms = new Map<string, RoomCounts>();
  const keys = {
    passed: 'passed',
    refused: 'refused',
    failed: 'failed',
    'expected-failure': 'expectedFailures',
  } as const;
  const total = { passed: 0, refused: 0, failed: 0, expectedFailures: 0 };
  for (const { room, status } of results) {
    let counts = rooms.get(room);
    if (!counts) rooms.set(room, (counts = { room, passed: 0, refused: 0, failed: 0, expectedFailures: 0 }));
    counts[keys[status]]++;
    total[keys[status]]++;
  }
  const failures = results
    .filter(({ status }) => status === 'failed')
    .map(({ id, title, details }) => ({ id, title, details }));
  return { rooms: [...rooms.values()], failures, ...total };
}
