/**
 * The suite that every backend of `@sgd/core` passes. It brings no test runner and no assertion library, and runs in browsers.
 *
 * @packageDocumentation
 */
export { conformance, type ConformanceOptions, type Runner } from './conformance.ts';
export { ConformanceError, type Detail } from './failure.ts';
export type { GoldenFiles } from './goldens/format.ts';
export { builtinGoldens } from './goldens/open.ts';
export { type Report, type RoomCounts, type RunOptions, runSuite } from './report.ts';
export type { BackendSource, ExpectedFailures, SuiteOptions, TestResult } from './run.ts';
export { strict, type StrictHandle, type StrictOptions } from './strict.ts';
