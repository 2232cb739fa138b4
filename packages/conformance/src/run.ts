import type { Backend, Feature, Mode } from '@sgd/core';
import type { AnyBackend } from './backend.ts';
import { ConformanceError, type Detail, show } from './failure.ts';
import { wantFeatureRefused } from './features.ts';
import type { GoldenFiles } from './goldens/format.ts';
import type { Outcome, SuiteTest } from './test.ts';

/** A backend, or what gives one: called once, before the first test that runs. */
export type BackendSource<V, G, M extends Mode> =
  | Backend<V, G, M>
  | (() => Backend<V, G, M> | Promise<Backend<V, G, M>>);

/** Ids of tests that are known to fail, each with a reason. They are run all the same, and passing is an error. */
export type ExpectedFailures = Readonly<Record<string, string>>;

/** What the suite runs on. */
export interface SuiteOptions<V, G, M extends Mode> {
  /** The backend, or what makes it; made once. */
  readonly backend: BackendSource<V, G, M>;
  /** Golden files by name, `manifest.json` among them; default: those of this package. */
  readonly goldens?: GoldenFiles | undefined;
  /** Tests that are known to fail, by id, each with the reason. */
  readonly expectedFailures?: ExpectedFailures | undefined;
}

/** All of {@link SuiteOptions}. */
export const OPTIONS = ['backend', 'goldens', 'expectedFailures'] as const;

/** How one test ended. */
export interface TestResult {
  /** The same from run to run. */
  readonly id: string;
  /** The group it is of. */
  readonly room: string;
  /** What it wants, in words. */
  readonly title: string;
  /** `"refused"`: the backend leaves a feature out, and its refusal was asserted. */
  readonly status: 'passed' | 'refused' | 'failed' | 'expected-failure';
  /** What was wrong; empty where nothing was. */
  readonly details: readonly Detail[];
}

/** Refuses expected failures without a reason, or of tests that there are not. */
export function checkExpectedFailures(expected: ExpectedFailures, tests: readonly SuiteTest[]): void {
  const ids = new Set(tests.map(({ id }) => id));
  for (const [id, reason] of Object.entries(expected)) {
    if (!ids.has(id)) throw new TypeError(`expectedFailures: there is no test ${show(id)}`);
    if (typeof reason !== 'string' || reason.trim() === '')
      throw new TypeError(`expectedFailures: ${show(id)} needs a reason`);
  }
}

/** Gives the backend, made once, without its types. */
export function onceOnly<V, G, M extends Mode>(source: BackendSource<V, G, M>): () => Promise<AnyBackend> {
  let made: Promise<AnyBackend> | undefined;
  return () =>
    (made ??= Promise.resolve(typeof source === 'function' ? source() : source) as unknown as Promise<AnyBackend>);
}

/** Runs a test; where the backend leaves out a feature, asserts that core refuses it instead. Throws when it fails. */
export async function runTest(test: SuiteTest, backend: AnyBackend): Promise<Outcome> {
  const missing: Feature[] = (test.needs ?? []).filter((feature) => !backend.supports.has(feature));
  for (const feature of missing) await wantFeatureRefused(backend, feature);
  if (missing.length > 0) return 'refused';
  return (await test.run({ backend })) ?? 'passed';
}

/** What a failure says; an error that is none of the suite's is shown as it is. */
function detailsOf(error: unknown, id: string): readonly Detail[] {
  if (error instanceof ConformanceError) return error.details;
  return [{ message: `${id}: ${show(error)}` }];
}

/** Runs a test to a result, expected failures taken into account. Never throws. */
export async function resultOf(test: SuiteTest, backend: AnyBackend, expected: ExpectedFailures): Promise<TestResult> {
  const { id, room, title } = test;
  const reason = Object.hasOwn(expected, id) ? expected[id] : undefined;
  try {
    const status = await runTest(test, backend);
    if (reason === undefined) return { id, room, title, status, details: [] };
    return { id, room, title, status: 'failed', details: [{ message: unexpectedPass(id, reason) }] };
  } catch (error) {
    const status = reason === undefined ? 'failed' : 'expected-failure';
    return { id, room, title, status, details: detailsOf(error, id) };
  }
}

/** What an expected failure says when it passes. */
export function unexpectedPass(id: string, reason: string): string {
  return `${id}: passes, but is listed in expectedFailures (${reason}): take it off the list`;
}
