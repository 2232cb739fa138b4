import { isExact } from '../backend.ts';
import { check, fail } from '../failure.ts';
import { ulpsBetween } from '../numbers.ts';
import { floats, random } from '../random.ts';
import { withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('rounding');
const R = Math.fround;

/**
 * Where the last bit is decided. A backend with a tolerance passes when it is within a few ulp; the goldens say the same of whole
 * trajectories, but do not single these out.
 */
export function roundingRoom(): SuiteTest[] {
  return [
    test(
      'reciprocal-limit',
      'under a global norm 1/limit is formed in float64, then rounded: R(1/c), not R(1/R(c))',
      reciprocal,
      ['clip-global-norm'],
    ),
    test('below-the-limit', 'clipping by norm below the limit is (g*c)/max(n,c), not the identity', below, [
      'clip-norm',
    ]),
    test('pairwise-norm', "a large gradient's squares are summed in numpy's pairwise order", pairwise, ['clip-norm']),
    test('pairwise-global', 'so they are under a global norm', pairwiseGlobal, ['clip-global-norm']),
    test(
      'global-order',
      'the sums of a global norm are added in the order of the call, pairwise from eight on',
      globalOrder,
      ['clip-global-norm'],
    ),
    test('subnormals', 'numbers below 2^-126 are kept', subnormals),
    test('decay-order', 'decay is (x*wd)*lr, not x*(wd*lr)', decayOrder, ['weight-decay']),
    test('divisors', 'loss scale and accumulation steps divide, and are no factors', divisors, ['accumulation']),
  ];
}

/** One step on zeros at rate 1, so that the variable becomes minus what the rule makes of the gradient. */
async function clipped(
  backend: Parameters<SuiteTest['run']>[0]['backend'],
  options: object,
  gradient: ArrayLike<number>,
): Promise<ArrayLike<number>> {
  const zeros = new Float32Array(gradient.length);
  return withRig(
    backend,
    { options: { learningRate: 1, ...options } },
    { x: [gradient.length] },
    async (rig) => {
      await rig.apply([gradient]);
      return (await rig.values())[0]!.map((x) => -x);
    },
    { x: zeros },
  );
}

/** Exact backends to the bit, others within a few ulp. */
function wantNumber(
  backend: Parameters<SuiteTest['run']>[0]['backend'],
  got: number,
  expected: number,
  what: string,
): void {
  const ulps = ulpsBetween(R(expected), R(got), 'float32');
  const allowed = isExact(backend) ? 0 : 8 + (backend.tolerance.rtol + backend.tolerance.atol) * 2 ** 24;
  if (ulps > allowed) fail(`${what}: expected ${expected}, got ${got} (${ulps} ulp)`, { expected, got, ulps });
}

/** Limits for which the order of rounding decides the factor. */
function tellingLimits(count: number): number[] {
  const limits: number[] = [];
  for (let hundredths = 101; limits.length < count; hundredths += 7) {
    const c = hundredths / 100;
    if (R(R(c) * R(1 / c)) !== R(R(c) * R(1 / R(c)))) limits.push(c);
  }
  return limits;
}

const reciprocal: SuiteTest['run'] = async ({ backend }) => {
  for (const c of tellingLimits(20)) {
    const got = await clipped(backend, { globalClipnorm: c }, [1]);
    wantNumber(backend, got[0]!, R(R(c) * R(1 / c)), `a gradient of 1 under globalClipnorm ${c}`);
  }
};

const below: SuiteTest['run'] = async ({ backend }) => {
  const next = random(5);
  let moved = 0;
  for (let round = 0; round < 20; round++) {
    const c = R(1 + next() * 9);
    const g = floats(next, 3, 0.3);
    const got = await clipped(backend, { clipnorm: c }, g);
    g.forEach((x, i) => {
      const expected = R(R(x * c) / c);
      if (expected !== x) moved++;
      wantNumber(backend, got[i]!, expected, `element ${i} below clipnorm ${c}`);
    });
  }
  check(moved > 0, 'none of the numbers tells the rules apart');
};

/** numpy's order, written for reading. */
function pairwiseSum(squares: Float32Array): number {
  const n = squares.length;
  if (n < 8) return squares.reduce((sum, s) => R(sum + s), 0);
  if (n <= 128) {
    const r = Array.from(squares.subarray(0, 8));
    const blocks = n - (n % 8);
    for (let i = 8; i < blocks; i++) r[i % 8] = R(r[i % 8]! + squares[i]!);
    const [a, b, c, d, e, f, g, h] = r as [number, number, number, number, number, number, number, number];
    const joined = R(R(R(a + b) + R(c + d)) + R(R(e + f) + R(g + h)));
    return squares.subarray(blocks).reduce((sum, s) => R(sum + s), joined);
  }
  const half = Math.floor(n / 2);
  const cut = half - (half % 8);
  return R(pairwiseSum(squares.subarray(0, cut)) + pairwiseSum(squares.subarray(cut)));
}

const sizes = [7, 8, 15, 128, 129, 136, 500, 1000, 1033, 4099];

const pairwise: SuiteTest['run'] = async ({ backend }) => {
  for (const size of sizes) {
    const g = floats(random(size), size, 3);
    const n = R(Math.sqrt(pairwiseSum(g.map((x) => x * x))));
    const got = await clipped(backend, { clipnorm: 0.7 }, g);
    for (const i of [0, size >> 1, size - 1])
      wantNumber(backend, got[i]!, R(R(g[i]! * R(0.7)) / n), `element ${i} of ${size} under clipnorm 0.7`);
  }
};

const pairwiseGlobal: SuiteTest['run'] = async ({ backend }) => {
  for (const size of sizes) {
    const g = floats(random(size + 1), size, 3);
    const n = R(Math.sqrt(pairwiseSum(g.map((x) => x * x))));
    const factor = R(R(0.7) * Math.min(R(1 / n), R(1 / 0.7)));
    const got = await clipped(backend, { globalClipnorm: 0.7 }, g);
    for (const i of [0, size >> 1, size - 1])
      wantNumber(backend, got[i]!, R(g[i]! * factor), `element ${i} of ${size} under globalClipnorm 0.7`);
  }
};

const reversed = (n: number): number[] => Array.from({ length: n }, (_, i) => n - 1 - i);

const globalOrder: SuiteTest['run'] = async ({ backend }) => {
  for (const n of [3, 5, 9, 20, 150]) {
    const order = reversed(n);
    const factorOf = (g: Float32Array): number =>
      R(R(0.7) * Math.min(R(1 / R(Math.sqrt(pairwiseSum(g.map((x) => x * x))))), R(1 / 0.7)));
    let seed = n;
    let g: Float32Array;
    do g = floats(random((seed += 1000)), n, 3);
    while (factorOf(g) === factorOf(Float32Array.from(g).reverse())); // until the order tells
    const shapes = Object.fromEntries(order.map((_, i): [string, number[]] => [`v${i}`, [1]]));
    const zeros = Object.fromEntries(Object.keys(shapes).map((path): [string, number[]] => [path, [0]]));
    await withRig(
      backend,
      { options: { learningRate: 1, globalClipnorm: 0.7 } },
      shapes,
      async (rig) => {
        // variable order[j] has the gradient g[j]
        await rig.apply(
          Array.from(g, (x) => [x]),
          order,
        );
        const values = await rig.values();
        const factor = factorOf(g);
        order.forEach((i, j) =>
          wantNumber(backend, -values[i]![0]!, R(g[j]! * factor), `variable ${i} of ${n}, given in reverse order`),
        );
      },
      zeros,
    );
  }
};

const subnormals: SuiteTest['run'] = async ({ backend }) => {
  const tiny = [2 ** -149, 2 ** -130, -(2 ** -127), 2 ** -126];
  const got = await clipped(backend, {}, tiny);
  const { atol } = backend.tolerance;
  tiny.forEach((x, i) => {
    const near = Math.abs(got[i]! - x) <= atol;
    check(near, `a gradient of ${x} on zero at rate 1: expected ${-x}, got ${-got[i]!}`, {
      expected: -x,
      got: -got[i]!,
    });
  });
};

const decayOrder: SuiteTest['run'] = async ({ backend }) => {
  const [wd, lr] = [R(0.3), R(0.7)];
  const x = floats(random(3), 64, 2);
  check(
    x.some((v) => R(v - R(R(v * wd) * lr)) !== R(v - R(v * R(wd * lr)))),
    'none of the numbers tells the rules apart',
  );
  const got = await withRig(
    backend,
    { options: { learningRate: 0.7, weightDecay: 0.3 } },
    { x: [64] },
    async (rig) => {
      await rig.apply([new Float32Array(64)]);
      return (await rig.values())[0]!;
    },
    { x },
  );
  x.forEach((v, i) => wantNumber(backend, got[i]!, R(v - R(R(v * wd) * lr)), `element ${i}`));
};

const divisors: SuiteTest['run'] = async ({ backend }) => {
  const g = floats(random(4), 64, 2);
  const half = g.map((x) => x * 0.5);
  const scaled = await clipped(backend, { lossScaleFactor: 7 }, g);
  check(
    g.some((x) => R(x / 7) !== R(x * R(1 / 7))),
    'none of the numbers tells the rules apart',
  );
  g.forEach((x, i) => wantNumber(backend, scaled[i]!, R(x / 7), `element ${i} unscaled by 7`));
  const zeros = new Float32Array(64);
  const mean = await withRig(
    backend,
    { options: { learningRate: 1, gradientAccumulationSteps: 3 } },
    { x: [64] },
    async (rig) => {
      for (let step = 0; step < 3; step++) await rig.apply([half]);
      return (await rig.values())[0]!;
    },
    { x: zeros },
  );
  half.forEach((x, i) => wantNumber(backend, -mean[i]!, R(R(x + R(x + x)) / 3), `element ${i}, the mean of three`));
};
