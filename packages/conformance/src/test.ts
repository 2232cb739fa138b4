import type { Feature } from '@sgd/core';
import type { AnyBackend } from './backend.ts';
import { fail } from './failure.ts';
import type { GoldenFile } from './goldens/format.ts';

/** What tests run against. */
export interface Context {
  readonly backend: AnyBackend;
}

/** How a test ended when it did not fail: `refused` when the backend leaves out a feature and the refusal was asserted. */
export type Outcome = 'passed' | 'refused';

/** One test of the suite. */
export interface SuiteTest {
  /** Stable: `room/name`. What `expectedFailures` and `--only` name. */
  readonly id: string;
  readonly room: string;
  /** What it shows, for people. */
  readonly title: string;
  /** Without these features of the backend the test asserts that core refuses them. */
  readonly needs?: readonly Feature[];
  /** Throws when the backend fails it. `'refused'`: it asserted a refusal in place of what it is about. */
  run(context: Context): Promise<Outcome | void>;
}

/** Makes tests of one room. */
export function inRoom(
  room: string,
): (name: string, title: string, run: SuiteTest['run'], needs?: readonly Feature[]) => SuiteTest {
  return (name, title, run, needs = []) => ({ id: `${room}/${name}`, room, title, needs, run });
}

/** A test for each case that does not fit the format: it fails, and says in which field. */
export function unfitTests(test: ReturnType<typeof inRoom>, { unfit }: GoldenFile): SuiteTest[] {
  return unfit.map(({ id, message }) =>
    test(id, 'fits the format of goldens', async () => fail(message, { case: id })),
  );
}
