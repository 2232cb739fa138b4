import type { GoldenFile, TrajectoryCase } from './format.ts';
import { all, list, nullable, open, optional, record, type Rule, where } from './rules.ts';

/** Variables of a case, elements that its steps go over, and characters of a name: what bounds the time that a case takes. */
const MOST = { variables: 1000, work: 1e8, name: 200 } as const;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const text = (most: number): Rule =>
  where(
    `a text of 1 to ${most} printable characters`,
    (value) => typeof value === 'string' && value.length <= most && /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(value),
  );
/** Names of cases, files, variables, types and classes. */
export const NAME: Rule = text(MOST.name);
const boolean: Rule = where('a boolean', (value) => typeof value === 'boolean');
const count: Rule = where('a whole number from 0 on', isCount);
const number: Rule = where(
  'a number, "NaN", "Infinity" or "-Infinity"',
  (value) => typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity',
);
const plain: Rule = where('a number', (value) => typeof value === 'number');
const sha256: Rule = where('a SHA-256 in hex', (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value));
const numbers = list(number);
const slots = list(nullable(numbers));
const shape = list(count, 32);
const exactness: Rule = where('"exact", "reduction" or "transcendental"', (value) =>
  ['exact', 'reduction', 'transcendental'].includes(value as string),
);

/** A pattern whose search takes a time that its length bounds: nothing in it can make the search start over and over. */
const pattern: Rule = where('a regular expression with at most 3 of * + ? { |', (value) => {
  if (typeof value !== 'string' || value.length > MOST.name || (value.match(/[*+?{|]/g) ?? []).length > 3) return false;
  try {
    return Boolean(new RegExp(value));
  } catch {
    return false;
  }
});

const object = { class_name: NAME, module: optional(nullable(NAME)), registered_name: optional(nullable(NAME)) };
const config = all(record({}), open);
const serialized = record({ ...object, config });
const optimizer = record({
  ...object,
  config: all(config, record({ inner_optimizer: optional(nullable(serialized)) })),
});

const variable: Rule = all(
  record({
    name: NAME,
    path: NAME,
    shape,
    values: numbers,
    constraint: optional(nullable(NAME)),
    overwriteWithGradient: optional(boolean),
  }),
  (value) => {
    const { shape: dimensions, values } = value as TrajectoryCase['variables'][number];
    const size = dimensions.reduce((product, n) => product * n, 1);
    return size === values.length
      ? undefined
      : { path: '.values', wanted: `${size} values for the shape [${dimensions.join()}]`, value: values };
  },
);

const step = record({
  finalize: optional(boolean),
  setLearningRate: optional((value) => (typeof value === 'object' ? serialized(value) : number(value))),
  setError: optional(NAME),
  grads: optional(slots),
  vars: optional(list(count, MOST.variables)),
  expectError: optional(NAME),
});

const expectation = record({
  step: count,
  learningRateUsed: number,
  learningRate: number,
  iterations: plain,
  rawIterations: plain,
  variables: nullable(slots),
  momentums: nullable(slots),
  accumulators: nullable(slots),
  averages: nullable(slots),
  warnedMissing: optional(list(NAME, MOST.variables)),
  dynamicScale: optional(number),
  stepCounter: optional(plain),
});

/** What the parts of a trajectory say of each other: indices are of variables, slots are one for each, and the whole is not endless. */
const consistent: Rule = (value) => {
  const { variables, steps, expect, final, excludeFromWeightDecay } = value as TrajectoryCase;
  const size = variables.length;
  const index = list(where(`an index below ${size}, the number of variables`, (i) => (i as number) < size));
  const each = nullable(where(`one entry for each of ${size} variables`, (entries) => (entries as []).length === size));
  const perSlot = record({ variables: each, momentums: each, accumulators: each, averages: each });
  const elements = variables.reduce((sum, { values }) => sum + values.length, Math.max(1, size));
  const most = Math.floor(MOST.work / elements);
  const work = where(`at most ${most} steps over ${elements} elements`, (all) => (all as []).length <= most);
  return record({
    steps: all(work, list(record({ vars: optional(index) }))),
    expect: list(perSlot),
    final: optional(record({ variables: each })),
    excludeFromWeightDecay: optional(record({ varList: optional(index) })),
  })({ steps, expect, final, excludeFromWeightDecay });
};

const trajectory: Rule = all(
  record({
    id: NAME,
    note: optional(text(1000)),
    exactness,
    dtype: NAME,
    optimizer,
    serialized,
    excludeFromWeightDecay: optional(
      record({ varNames: optional(list(pattern, 20)), varList: optional(list(count, MOST.variables)) }),
    ),
    variables: list(variable, MOST.variables),
    optimizerVariables: list(record({ path: NAME, shape, dtype: NAME }), 5 * MOST.variables),
    steps: list(step),
    expect: list(expectation),
    final: optional(record({ variables: nullable(slots) })),
    bits: optional(where('8 hex digits', (value) => typeof value === 'string' && /^[0-9a-f]{8}$/.test(value))),
  }),
  consistent,
);

const schedule = record({
  id: NAME,
  exactness,
  schedule: serialized,
  steps: list(plain),
  values: numbers,
  farSteps: optional(list(plain)),
  farValues: optional(numbers),
  fractionalSteps: optional(list(plain)),
  fractionalValues: optional(numbers),
  fragileSteps: optional(list(plain, 1000)),
});

const check = record({
  id: NAME,
  target: NAME,
  args: config,
  error: nullable(NAME),
  warns: optional(boolean),
  pythonOnly: optional(boolean),
});

/** Every kind of file, and what a case of it must be. */
export const CASES: Readonly<Record<GoldenFile['kind'], Rule>> = {
  trajectories: trajectory,
  schedules: schedule,
  checks: check,
};

/** The head of a file: all but what its cases are. */
export const FILE: Rule = record({
  schemaVersion: where('1', (value) => value === 1),
  kind: where(
    '"trajectories", "schedules" or "checks"',
    (value) => typeof value === 'string' && Object.hasOwn(CASES, value),
  ),
  cases: list(() => undefined),
});

/** The head of a manifest: all but what its entries are. */
export const MANIFEST: Rule = record({
  schemaVersion: where('1', (value) => value === 1),
  files: record({}),
  set: NAME,
  trajectoryCases: optional(count),
  scheduleCases: optional(count),
  checkCases: optional(count),
});

/** An entry of a manifest. */
export const ENTRY: Rule = record({ cases: count, bytes: count, sha256 });
