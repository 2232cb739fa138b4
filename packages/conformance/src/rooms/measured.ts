import type { SGDOptions } from '@sgd/core';
import { type AnyBackend, isExact, tensor } from '../backend.ts';
import { check, fail } from '../failure.ts';
import { same } from '../numbers.ts';
import { makeOptimizer, needsOfSpec, type Shapes, type Spec, withRig } from '../rig.ts';
import { inRoom, type SuiteTest } from '../test.ts';

const test = inRoom('norms');
const R = Math.fround;

/** Norms that are measured, under each clip; a norm over both types. */
export const measuredNorms = (): SuiteTest[] => [
  ...[{ clipnorm: 1.5 }, { globalClipnorm: 1.5 }, { clipvalue: 0.1 }, {}].map(measuring),
  onlyOverwriting(),
  twoTypes(),
];

/** Gradients of norm 13, and what else is to be measured: what float32 squares can not hold, and what its differences lose. */
function measuring(clip: SGDOptions): SuiteTest {
  const [name = 'no-clip'] = Object.keys(clip);
  const spec: Spec = {
    options: { learningRate: 0.5, ...clip, lossScaleFactor: 2, gradientAccumulationSteps: 2 },
    extras: { measure: ['gradient-norm', 'update-norm'] },
  };
  const title = 'norms are taken before clipping, and of what the variables moved by';
  return test(`measured-${name}`, title, measured(spec), needsOfSpec(spec));
}

const measured =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) => {
    const shapes: Shapes = { a: [2], b: [1] };
    // without float64 squares overflow and vanish
    const scales = measuresWide(backend) ? [1, 1e25, 1e-25] : [1];
    for (const scale of scales) {
      const run = async (values: Record<string, number[]>): Promise<void> =>
        withRig(
          backend,
          spec,
          shapes,
          async (rig) => {
            const before = await rig.values();
            // the mean of both, unscaled, is [3, 4], [12]
            await rig.apply([[2 * scale, 4 * scale], [40 * scale]]);
            await rig.apply([[10 * scale, 12 * scale], [8 * scale]]);
            const after = await rig.values();
            const { gradientNorm, updateNorm } = await rig.optimizer.measured();
            const moved = after.flatMap((x, i) => Array.from(x, (value, e) => value - before[i]![e]!));
            const gradient = Math.hypot(R(3 * scale), R(4 * scale), R(12 * scale));
            wantMeasured(backend, 'gradient', gradientNorm, gradient, 2 ** -22);
            wantMeasured(backend, 'update', updateNorm, Math.hypot(...moved), 2 ** -50);
          },
          values,
        );
      await run({ a: [0, 0], b: [0] });
      if (scale === 1) await run({ a: [1 + 2 ** -20, 2 ** 10 + 2 ** -13], b: [1 / 3] });
    }
  };

/** A step that only overwrites moves nothing, and so measures nothing. */
function onlyOverwriting(): SuiteTest {
  const spec: Spec = {
    options: { learningRate: 0.5 },
    extras: { measure: ['gradient-norm', 'update-norm'] },
    overwrite: ['c'],
  };
  const run: SuiteTest['run'] = async ({ backend }) =>
    withRig(backend, spec, { a: [2], c: [1] }, async (rig) => {
      await rig.apply([[3, 4], [7]]);
      const before = JSON.stringify(await rig.optimizer.measured());
      await rig.apply([null, [9]]);
      const after = JSON.stringify(await rig.optimizer.measured());
      check(before === after, `a step that only overwrites measured: ${before} became ${after}`);
    });
  const title = 'a step in which gradients only overwrite variables leaves the last norms as they were';
  return test('measured-overwriting', title, run, needsOfSpec(spec));
}

/** Whether norms are to be measured in float64: by what computes on the host. */
const measuresWide = (backend: AnyBackend): boolean => isExact(backend) || backend.supports.has('float64');

function wantMeasured(
  backend: AnyBackend,
  what: string,
  got: number | undefined,
  expected: number,
  rtol: number,
): void {
  const { tolerance } = backend;
  const allowed = (measuresWide(backend) ? rtol : 4 * tolerance.rtol + 1e-6) * expected + tolerance.atol;
  if (got !== undefined && (same(got, expected) || Math.abs(got - expected) <= allowed)) return;
  fail(`${what} norm: expected ${expected}, got ${got}`, { field: `${what}Norm`, expected, got });
}

/** A gradient of a float32 and of a float64 variable. The third pair has a factor that float32 does not hold; the last two, norms that overflow. */
const pairs = [
  [3, 4],
  [3, 4e19],
  [1e19, 1e50],
  [1e20, 1],
  [1, 1e200],
] as const;

function twoTypes(): SuiteTest {
  const spec: Spec = { options: { learningRate: 1, globalClipnorm: 1 }, extras: { nonFinite: 'skip' } };
  const title = 'over gradients of both types a global norm is in float64, and so is the product with it';
  return test('two-types', title, typed(spec), [...needsOfSpec(spec), 'float64']);
}

const typed =
  (spec: Spec): SuiteTest['run'] =>
  async ({ backend }) => {
    for (const [a, b] of pairs) {
      const n = Math.sqrt(R(R(a) ** 2) + b ** 2);
      const expected = Number.isFinite(n) ? [R(R(a) * Math.min(1 / n, 1)), b * Math.min(1 / n, 1)] : [0, 0];
      const made = (['float32', 'float64'] as const).map((dtype) => backend.variable(tensor([0], [1], dtype)));
      const gradients = [backend.gradient(tensor([a])), backend.gradient(tensor([b], [1], 'float64'))];
      const optimizer = makeOptimizer(spec, backend);
      try {
        await optimizer.build({ a: made[0], b: made[1] });
        const what = `gradients of ${a} in float32 and ${b} in float64`;
        check((await optimizer.apply(gradients)) === Number.isFinite(n), `${what}: expected a norm of ${n}`);
        const values = Object.values(await optimizer.readAll());
        expected.forEach((want, i) => {
          const got = -values[i]![0]!;
          const near = Math.abs(got - want) <= backend.tolerance.rtol * Math.abs(want);
          check(near, `${what}: expected ${expected.join(' and ')}, got ${got} for variable ${i}`, {
            expected: want,
            got,
          });
        });
      } finally {
        // a step may have replaced them
        const handles = optimizer.built ? [...optimizer.trainableVariables] : made;
        await optimizer.dispose();
        for (const value of [...handles, ...gradients]) backend.free(value);
      }
    }
  };
