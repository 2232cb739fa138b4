import { sizeOf } from '@sgd/core/engine';
import type { SgdErrorCode, State } from '@sgd/core';
import { type AnyBackend, tensor } from '../backend.ts';
import { check, show } from '../failure.ts';
import { floats, random } from '../random.ts';
import { codeOf, errorOf, wantRefusal } from '../refusals.ts';
import {
  makeOptimizer,
  needsOfSpec,
  type Rig,
  type Shapes,
  type Spec,
  wantSame,
  wantUnchanged,
  withRig,
} from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('refusal');

const shapes: Shapes = { 'dense/kernel': [3, 4], 'dense/bias': [4], 'norm/gamma': [] };
const paths = Object.keys(shapes);
const fresh = (seed: number): Float32Array[] => {
  const next = random(seed);
  return Object.values(shapes).map((shape) => floats(next, sizeOf(shape)));
};

/** All slots and counters in use, so that whatever a refused call touches shows. */
const full: Spec = {
  options: { learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, useEma: true, gradientAccumulationSteps: 3 },
  scaling: { initialScale: 16, dynamicGrowthSteps: 5 },
};

interface Refused {
  readonly name: string;
  readonly codes: readonly SgdErrorCode[];
  /** The call, made with handles of the rig's backend; what it makes is freed afterwards. */
  readonly call: (rig: Rig, make: (values: ArrayLike<number>, shape?: readonly number[]) => unknown) => unknown;
}

const vector = (length: number): Float32Array => new Float32Array(length).fill(0.5);
const count: readonly SgdErrorCode[] = ['SGD_GRADIENT_COUNT'];
const misfit: readonly SgdErrorCode[] = ['SGD_GRADIENT_SHAPE'];
const unknown: readonly SgdErrorCode[] = ['SGD_UNKNOWN_VARIABLE'];

const calls: readonly Refused[] = [
  {
    name: 'fewer-gradients',
    codes: count,
    call: ({ optimizer }, make) => optimizer.apply([make(vector(12), [3, 4]), null]),
  },
  { name: 'more-gradients', codes: count, call: ({ optimizer }) => optimizer.apply([null, null, null, null]) },
  {
    name: 'count-against-variables',
    codes: count,
    call: ({ optimizer }, make) => optimizer.apply([make(vector(4))], ['dense/bias', 'norm/gamma']),
  },
  {
    name: 'repeated-variable',
    codes: count,
    call: ({ optimizer }, make) => optimizer.apply([make(vector(4)), make(vector(4))], ['dense/bias', 'dense/bias']),
  },
  { name: 'all-null', codes: ['SGD_NO_GRADIENTS'], call: ({ optimizer }) => optimizer.apply([null, undefined, null]) },
  {
    name: 'wrong-size',
    codes: misfit,
    call: ({ optimizer }, make) => optimizer.apply([make(vector(12), [3, 4]), make(vector(5)), null]),
  },
  {
    name: 'wrong-size-last',
    codes: misfit,
    call: ({ optimizer }, make) => optimizer.apply([make(vector(12), [3, 4]), make(vector(4)), make(vector(2))]),
  },
  {
    name: 'broadcast',
    codes: misfit,
    call: ({ optimizer }, make) => optimizer.apply([make(vector(4)), make(vector(4)), null]),
  },
  {
    name: 'transposed',
    codes: misfit,
    call: ({ optimizer }, make) => optimizer.apply([make(vector(12), [4, 3]), null, null]),
  },
  {
    name: 'empty-gradient',
    codes: misfit,
    call: ({ optimizer }, make) => optimizer.apply([make([], [0]), null, null]),
  },
  {
    name: 'unknown-path',
    codes: unknown,
    call: ({ optimizer }, make) => optimizer.apply({ 'dense/cernel': make(vector(12), [3, 4]) }),
  },
  {
    name: 'unknown-path-after-a-known-one',
    codes: unknown,
    call: ({ optimizer }, make) => optimizer.apply({ 'dense/bias': make(vector(4)), nowhere: make(vector(4)) }),
  },
  {
    name: 'foreign-variable',
    codes: unknown,
    call: ({ optimizer, backend }, make) => {
      const foreign = backend.variable(tensor(vector(4)));
      return optimizer.apply([make(vector(4))], [foreign]);
    },
  },
  {
    name: 'second-build',
    codes: ['SGD_ALREADY_BUILT'],
    call: ({ optimizer, backend }) => optimizer.build([backend.variable(tensor(vector(4)))]),
  },
  {
    name: 'late-exclusion',
    codes: ['SGD_ALREADY_BUILT'],
    call: ({ optimizer }) => optimizer.excludeFromWeightDecay({ names: ['bias'] }),
  },
  {
    name: 'learning-rate-of-no-kind',
    codes: ['SGD_INVALID_OPTION'],
    call: ({ optimizer }) => {
      optimizer.learningRate = '0.1' as unknown as number;
    },
  },
  { name: 'state-of-nothing', codes: ['SGD_STATE_MISMATCH'], call: ({ optimizer }) => optimizer.setState({} as State) },
  {
    name: 'state-without-a-variable',
    codes: ['SGD_STATE_MISMATCH'],
    call: broken((slots) => delete slots['norm/gamma']),
  },
  {
    name: 'state-with-one-more',
    codes: ['SGD_STATE_MISMATCH'],
    call: broken((slots) => (slots.more = { momentum: vector(1) })),
  },
  {
    name: 'state-of-another-shape',
    codes: ['SGD_STATE_MISMATCH'],
    call: broken((slots) => (slots['norm/gamma'] = { ...slots['norm/gamma'], average: vector(2) })),
  },
  {
    name: 'state-truncated',
    codes: ['SGD_STATE_MISMATCH'],
    call: broken((slots) => (slots['dense/kernel'] = { ...slots['dense/kernel'], momentum: vector(11) })),
  },
  {
    name: 'state-that-only-looks-like-one',
    codes: ['SGD_STATE_MISMATCH'],
    call: broken((slots) => (slots['norm/gamma'] = { ...slots['norm/gamma'], average: liar() })),
  },
  {
    name: 'state-of-proxies',
    codes: ['SGD_STATE_MISMATCH'],
    call: broken((slots) => (slots['norm/gamma'] = { ...slots['norm/gamma'], average: new Proxy(vector(1), {}) })),
  },
  {
    name: 'state-whose-getters-throw',
    codes: ['SGD_STATE_MISMATCH'],
    call: broken((slots) => Object.defineProperty(slots, 'norm/gamma', { get: () => liar()[0], enumerable: true })),
  },
  {
    name: 'state-of-a-counter-that-can-not-grow',
    codes: ['SGD_STATE_MISMATCH'],
    call: async ({ optimizer }) =>
      optimizer.setState({ ...(await optimizer.getState()), iterations: Number.MAX_SAFE_INTEGER }),
  },
  { name: 'read-of-nothing', codes: unknown, call: ({ optimizer }) => optimizer.read('dense/cernel') },
];

/** An array that calls itself one of floats, and throws when it is read. */
function liar(): Float32Array {
  const get = (): never => {
    throw new TypeError('no such element');
  };
  const tag = { value: 'Float32Array' };
  return Object.defineProperties([0], { 0: { get }, [Symbol.toStringTag]: tag }) as unknown as Float32Array;
}

/** A state of this optimizer with its slots (other values, so that a partial write shows) changed in one place. */
function broken(change: (slots: Record<string, Record<string, Float32Array>>) => unknown): Refused['call'] {
  return async ({ optimizer }) => {
    const state = structuredClone(await optimizer.getState());
    const slots = state.slots as Record<string, Record<string, Float32Array>>;
    for (const kept of Object.values(slots)) for (const values of Object.values(kept)) values.fill(9);
    change(slots);
    return optimizer.setState(state);
  };
}

/** After every call that is refused, variables, slots, counters and loss scale are bit for bit what they were. */
export function refusalRoom(): SuiteTest[] {
  const needs = needsOfSpec(full);
  return [
    ...calls.map(({ name, codes, call }) =>
      test(name, `${codes.join()} and nothing changed`, ({ backend }) => refuse(backend, name, codes, call), needs),
    ),
    test('and-on', 'after all these refusals the next steps give what they would have given', andOn, needs),
    test('no-averages', 'finalizing or swapping before the first step is refused', noAverages, ['average']),
    test('throwing-rate', 'a learning rate that throws or gives no number refuses the step', throwingRate),
    test('strangers', 'what is no gradient is refused in few words, whatever it says of itself', strangers),
    test('not-built', 'calls that need variables say so', notBuilt),
    test('build-refused', 'a build that is refused leaves the optimizer to be built', buildRefused),
  ];
}

async function attempt(rig: Rig, { name, codes, call }: Refused): Promise<void> {
  const made: unknown[] = [];
  const make = (values: ArrayLike<number>, shape?: readonly number[]): unknown => {
    const gradient = rig.backend.gradient(tensor(values, shape ?? [values.length]));
    made.push(gradient);
    return gradient;
  };
  const before = await rig.snapshot();
  await wantRefusal(name, async () => call(rig, make), codes);
  await wantUnchanged(rig, before, `${name}, refused`);
  for (const gradient of made) rig.backend.free(gradient);
}

async function refuse(
  backend: AnyBackend,
  name: string,
  codes: readonly SgdErrorCode[],
  call: Refused['call'],
): Promise<void> {
  await withRig(backend, full, shapes, async (rig) => {
    // in the middle of an accumulation, with all slots filled
    for (let step = 0; step < 4; step++) await rig.apply(fresh(step));
    await attempt(rig, { name, codes, call });
  });
}

const andOn: SuiteTest['run'] = async ({ backend }) => {
  const expected = await withRig(backend, full, shapes, async (rig) => {
    for (let step = 0; step < 8; step++) await rig.apply(fresh(step));
    return rig.values();
  });
  await withRig(backend, full, shapes, async (rig) => {
    for (let step = 0; step < 8; step++) {
      await rig.apply(fresh(step));
      for (const refused of calls) if ((calls.indexOf(refused) + step) % 4 === 0) await attempt(rig, refused);
    }
    (await rig.values()).forEach((got, i) => wantSame(backend, expected[i]!, got, `"${paths[i]}" after refusals`, 8));
  });
};

const noAverages: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, { options: { useEma: true } }, shapes, async (rig) => {
    const before = await rig.snapshot();
    await wantRefusal('finalize before the first step', () => rig.optimizer.finalizeVariableValues(), [
      'SGD_NO_AVERAGES',
    ]);
    await wantRefusal('swap before the first step', () => rig.optimizer.swapAverages(), ['SGD_NO_AVERAGES']);
    await wantUnchanged(rig, before, 'the refusals');
  });
};

const throwingRate: SuiteTest['run'] = async ({ backend }) => {
  let answer: () => number = () => 0.1;
  await withRig(backend, { options: { learningRate: () => answer() } }, shapes, async (rig) => {
    await rig.apply(fresh(1));
    const before = await rig.snapshot();
    const answers: (() => number)[] = [
      () => {
        throw new Error('no rate today');
      },
      () => '0.1' as unknown as number,
    ];
    for (const wrong of answers) {
      answer = wrong;
      await wantRefusal('a step', () => rig.apply(fresh(2)), ['SGD_INVALID_OPTION']);
      answer = () => 0.1;
      await wantUnchanged(rig, before, 'the refused step');
    }
  });
};

/** What JSON or another program may leave in the place of a gradient. */
function strange(): unknown[] {
  const deep: unknown = JSON.parse(`${'['.repeat(6500)}1${']'.repeat(6500)}`);
  const long = 'x'.repeat(1e6);
  return [
    long,
    Symbol(long),
    deep,
    { length: deep },
    { length: { toString: 1, valueOf: 1 } },
    { constructor: { name: long } },
    { [Symbol.toStringTag]: long },
    Array.from({ length: 1e5 }, () => 1),
    new Map(),
  ];
}

const strangers: SuiteTest['run'] = async ({ backend }) => {
  await withRig(backend, {}, { w: [2] }, async (rig) => {
    const before = await rig.snapshot();
    for (const value of strange()) {
      for (const gradient of [
        value,
        { data: value, shape: value },
        { data: vector(2), shape: value },
        { dims: value },
      ]) {
        const error = await errorOf(() => rig.optimizer.apply([gradient]));
        const code = codeOf(error);
        check(code !== undefined, `expected an SgdError for a gradient of no kind, got ${show(error).slice(0, 300)}`);
        const { length } = (error as Error).message;
        check(length < 1100, `the message of ${code} for a gradient of no kind has ${length} characters`);
      }
    }
    await wantUnchanged(rig, before, 'gradients of no kind, refused');
  });
};

const notBuilt: SuiteTest['run'] = async ({ backend }) => {
  const optimizer = makeOptimizer({}, backend);
  const gradient = backend.gradient(tensor([1]));
  await wantRefusal('apply', () => optimizer.apply([gradient]), ['SGD_NOT_BUILT']);
  await wantRefusal('getState', () => optimizer.getState(), ['SGD_NOT_BUILT']);
  await wantRefusal('readAll', () => optimizer.readAll(), ['SGD_NOT_BUILT']);
  await wantRefusal('trainableVariables', () => optimizer.trainableVariables, ['SGD_NOT_BUILT']);
  backend.free(gradient);
};

const buildRefused: SuiteTest['run'] = async ({ backend }) => {
  const optimizer = makeOptimizer({}, backend);
  await wantRefusal('a build on what is no variable', () => optimizer.build([{} as unknown]), [
    'SGD_UNKNOWN_VARIABLE',
    'SGD_UNSUPPORTED',
  ]);
  await wantRefusal('a build on nothing', () => optimizer.build([]), ['SGD_INVALID_OPTION']);
  check(!optimizer.built, 'a refused build counts as built');
  const variable = backend.variable(tensor([1, 2]));
  await wantRefusal(
    'a build that names a variable that is not there',
    () => optimizer.build({ x: variable }, { overwriteWithGradient: ['y'] }),
    unknown,
  );
  await optimizer.build({ x: variable });
  check(optimizer.built, 'a good build after refused ones does not count');
  const [current] = optimizer.trainableVariables;
  await optimizer.dispose();
  backend.free(current);
};
