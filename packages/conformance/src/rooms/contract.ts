import type { Entry, FloatArray, Mode, Program, Session, Step, WriteEntry } from '@sgd/core';
import { type AnyRule, sgd } from '@sgd/core/engine';
import { FEATURES } from '@sgd/core/engine';
import { type AnyBackend, isPromise, tensor } from '../backend.ts';
import { check, show } from '../failure.ts';
import { identical } from '../numbers.ts';
import { errorOf, later } from '../refusals.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('contract');

type AnySession = Session<unknown, unknown, Mode>;

const config = { momentum: 0.5, nesterov: false };
const program: Program = {
  rule: sgd as AnyRule,
  configs: [config],
  slots: sgd.slots(config),
  accumulates: false,
  averages: false,
  unscale: false,
  clip: 'none',
  finiteCheck: false,
  measure: new Set(),
  variables: [
    { path: 'a', shape: [2, 3], dtype: 'float32', group: 0, decays: false, overwrites: false, constraint: null },
    { path: 'b', shape: [4], dtype: 'float32', group: 0, decays: false, overwrites: false, constraint: null },
  ],
};
const plain: Program = { ...program, configs: [{ momentum: 0, nesterov: false }], slots: [] };
const step: Step = {
  phase: 'update',
  ordinary: true,
  updateCount: 1,
  lossScale: 1,
  accumulationSteps: 1,
  clipLimit: 0,
  rates: [{ learningRate: 0.5, weightDecay: 0, options: [0.5] }],
  averageMomentum: 0,
  averageOverwrite: false,
};
const a = Float32Array.of(1, 2, 3, 4, 5, 6);
const b = Float32Array.of(-1, -2, -3, -4);

/** What the contract asks of the engine itself, called as core calls it. */
export function contractRoom(): SuiteTest[] {
  return [
    test('members', 'version, name, mode, features and tolerance are what the contract knows', async ({ backend }) =>
      members(backend),
    ),
    test('foreign', 'describe throws for what is none of its variables', async ({ backend }) => foreign(backend)),
    test('refuses', 'refuses is null for a gradient that fits, and says what came for one that does not', refuses),
    test('mode', 'calls of a sync engine return at once, those of an async one are promises', mode),
    test('rejects', 'an async engine rejects, and does not throw', rejects),
    test('read', 'read gives entries in the order asked for, as of the call', reads),
    test('write', 'write copies all values in', writes),
    test('write-all-or-nothing', 'a write that fails writes nothing', writesNothing),
    test('slots-start-at-zero', 'slots are zero-filled, also in memory that was used before', zeros),
    test('dispose', 'after dispose the current variables hold their values and can be used again', disposes),
  ];
}

function members(backend: AnyBackend): void {
  const { contract, name, mode: kind, supports, tolerance } = backend;
  check((contract as number) === 2, `contract is ${show(contract)}, expected 2`);
  check(typeof name === 'string' && name !== '', `name is ${show(name)}, expected a string`);
  check(kind === 'sync' || kind === 'async', `mode is ${show(kind)}, expected "sync" or "async"`);
  for (const feature of supports) check(FEATURES.includes(feature), `supports ${show(feature)}, which is no feature`);
  for (const key of ['rtol', 'atol'] as const) {
    const value = tolerance[key];
    check(
      typeof value === 'number' && value >= 0 && value <= 1e-3,
      `tolerance.${key} is ${show(value)}, expected 0 to 1e-3`,
    );
  }
}

async function foreign(backend: AnyBackend): Promise<void> {
  for (const thing of [undefined, null, 3, 'x', {}, [], () => {}, { shape: [1], dtype: 'float32' }])
    check((await errorOf(() => backend.describe(thing))) !== undefined, `describe(${show(thing)}) did not throw`);
}

/** Opens a session on two variables for the time of a call. */
async function withSession(
  backend: AnyBackend,
  which: Program,
  body: (session: AnySession) => Promise<void>,
): Promise<void> {
  const variables = [backend.variable(tensor(a, [2, 3])), backend.variable(tensor(b))];
  const session = (await backend.open(which, variables)) as AnySession;
  await body(session);
  const last = [...session.variables];
  await session.dispose();
  for (const variable of last) backend.free(variable);
}

const refuses: SuiteTest['run'] = async ({ backend }) => {
  await withSession(backend, plain, async () => {
    const wanted = (gradient: unknown, index: number, fits: boolean, what: string): void => {
      const answer = backend.refuses(gradient, index, plain);
      const right = fits ? answer === null : typeof answer === 'string' && answer !== '';
      check(right, `refuses(${what}): ${show(answer)}, expected ${fits ? 'null' : 'what came'}`);
    };
    const gradients = {
      fit: tensor(a, [2, 3]),
      transposed: tensor(a, [3, 2]),
      flat: tensor(b),
      empty: tensor([], [0]),
    };
    for (const [what, host] of Object.entries(gradients)) {
      const gradient = backend.gradient(host);
      wanted(gradient, 0, what === 'fit', `${what}, for [2, 3]`);
      wanted(gradient, 1, what === 'flat', `${what}, for [4]`);
      backend.free(gradient);
    }
    for (const thing of [3, 'x', {}, [1, 2, 3, 4], true]) wanted(thing, 1, false, show(thing));
  });
};

/** One step; gives what it returned, and whether that was a promise. */
async function stepWith(session: AnySession, backend: AnyBackend): Promise<{ taken: unknown; promised: boolean }> {
  const gradients = [backend.gradient(tensor(a, [2, 3])), backend.gradient(tensor(b))];
  const result: unknown = session.step(step, gradients, [0, 1]);
  const taken = await result;
  for (const gradient of gradients) backend.free(gradient);
  return { taken, promised: isPromise(result) };
}

const mode: SuiteTest['run'] = async ({ backend }) => {
  const wanted = backend.mode === 'async';
  const variables = [backend.variable(tensor(a, [2, 3])), backend.variable(tensor(b))];
  const wantMode = (promised: boolean, what: string): void =>
    check(
      promised === wanted,
      `${what} of a backend of mode "${backend.mode}" gave ${wanted ? 'no promise' : 'a promise'}`,
    );
  const opened: unknown = backend.open(plain, variables);
  wantMode(isPromise(opened), 'open');
  const session = (await opened) as AnySession;
  const { taken, promised } = await stepWith(session, backend);
  wantMode(promised, 'step');
  check(taken === true, `step gave ${show(taken)}, expected true`);
  check(isPromise(session.read([{ slot: 'variable', index: 0 }])), 'read gave no promise');
  const last = [...session.variables];
  const disposed: unknown = session.dispose();
  wantMode(isPromise(disposed), 'dispose');
  await disposed;
  for (const variable of last) backend.free(variable);
};

const rejects: SuiteTest['run'] = async ({ backend }) => {
  await withSession(backend, plain, async (session) => {
    let result: unknown;
    try {
      result = session.write([{ slot: 'variable', index: 0, values: new Float32Array(1) }]);
    } catch (error) {
      check(false, `write threw ${show(error)}: its promise should reject`);
    }
    check((await errorOf(() => result)) !== undefined, 'a write of one value to a variable of six succeeded');
  });
};

const values = async (session: AnySession, entries: readonly Entry[]): Promise<FloatArray[]> => session.read(entries);
const both: readonly Entry[] = [
  { slot: 'variable', index: 0 },
  { slot: 'variable', index: 1 },
];

function wantValues(got: FloatArray | undefined, expected: ArrayLike<number>, what: string): void {
  check(
    got !== undefined && identical(got, Float32Array.from(expected)),
    `${what}: expected ${show(Array.from(expected))}, got ${show(got && Array.from(got))}`,
  );
}

const reads: SuiteTest['run'] = async ({ backend }) => {
  await withSession(backend, plain, async (session) => {
    const [second, first] = await values(session, [both[1]!, both[0]!]);
    wantValues(first, a, 'variable 0');
    wantValues(second, b, 'variable 1');
    check((await values(session, [])).length === 0, 'reading no entries gave some');
    const early = later(session.read(both));
    await stepWith(session, backend);
    const [old] = await early;
    wantValues(old, a, 'variable 0, read before a step and awaited after it');
    const [now, again] = await values(session, [both[0]!, both[0]!]);
    wantValues(
      now,
      a.map((x) => x - x * 0.5),
      'variable 0 after a step',
    );
    check(now !== again, 'an entry asked for twice is one array');
  });
};

const momentum: readonly Entry[] = [
  { slot: 'momentum', index: 0 },
  { slot: 'momentum', index: 1 },
];

const writes: SuiteTest['run'] = async ({ backend }) => {
  await withSession(backend, program, async (session) => {
    const sevens = new Float32Array(6).fill(7);
    await session.write([
      { slot: 'momentum', index: 1, values: b },
      { slot: 'variable', index: 0, values: sevens },
    ]);
    sevens.fill(1e6);
    const [kept, x, other] = await values(session, [momentum[1]!, both[0]!, both[1]!]);
    wantValues(kept, b, 'momentum 1');
    wantValues(x, new Float32Array(6).fill(7), 'variable 0');
    wantValues(other, b, 'variable 1, which was not written');
    await session.write([]);
  });
};

const writesNothing: SuiteTest['run'] = async ({ backend }) => {
  await withSession(backend, program, async (session) => {
    const good: WriteEntry[] = [
      { slot: 'variable', index: 0, values: new Float32Array(6).fill(9) },
      { slot: 'momentum', index: 0, values: new Float32Array(6).fill(9) },
    ];
    const bad: WriteEntry[] = [
      { slot: 'momentum', index: 1, values: new Float32Array(3) },
      { slot: 'momentum', index: 1, values: new Float32Array(5) },
      { slot: 'gradient_accumulator', index: 0, values: new Float32Array(6) },
      { slot: 'variable', index: 2, values: new Float32Array(4) },
    ];
    for (const wrong of bad) {
      const what = `a write of ${wrong.values.length} values to ${wrong.slot} ${wrong.index}`;
      check((await errorOf(() => session.write([...good, wrong]))) !== undefined, `${what} succeeded`);
      const [x, m] = await values(session, [both[0]!, momentum[0]!]);
      wantValues(x, a, `variable 0 after ${what} failed`);
      wantValues(m, new Float32Array(6), `momentum 0 after ${what} failed`);
    }
  });
};

const zeros: SuiteTest['run'] = async ({ backend }) => {
  for (let round = 0; round < 3; round++) {
    await withSession(backend, program, async (session) => {
      const [m] = await values(session, momentum);
      wantValues(m, new Float32Array(6), `momentum 0 of session ${round}`);
      await stepWith(session, backend);
    });
  }
};

const disposes: SuiteTest['run'] = async ({ backend }) => {
  const variables = [backend.variable(tensor(a, [2, 3])), backend.variable(tensor(b))];
  const first = (await backend.open(plain, variables)) as AnySession;
  await stepWith(first, backend);
  const current = [...first.variables];
  await first.dispose();
  const second = (await backend.open(plain, current)) as AnySession;
  const [x] = await values(second, both);
  wantValues(
    x,
    a.map((value) => value - value * 0.5),
    'variable 0 in a second session',
  );
  const last = [...second.variables];
  await second.dispose();
  for (const variable of last) backend.free(variable);
};
