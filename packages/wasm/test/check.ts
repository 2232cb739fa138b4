import { runSuite } from '@sgd/conformance';
import { wasm } from '@sgd/wasm';
import backend from '@sgd/wasm/conformance';
import fc from 'fast-check';
import { wantSameNorms, wantSameWhenFed, programs, steps, trial } from './trial.ts';

/** The kernels against `@sgd/cpu` and against the recordings of Keras. Throws at the first difference. */
export async function check(): Promise<void> {
  const engine = await wasm();
  for (let n = 1; n < 300; n++) {
    wantSameNorms(engine, 'norm', [n]);
    if (n > 120 && n < 280)
      wantSameNorms(
        engine,
        'global-norm',
        Array.from({ length: n }, (_, i) => 1 + (i % 3)),
      );
  }
  wantSameWhenFed(engine);
  for (const rare of [0, 40, 4]) {
    await fc.assert(
      fc.asyncProperty(programs, steps, fc.nat(), (program, drawn, seed) =>
        trial(engine, program, drawn, rare, seed, 0),
      ),
      { numRuns: 400, seed: 7, endOnFailure: true },
    );
  }
  const { failed } = await runSuite({
    backend: () => backend(),
    only: ['values', 'rounding', 'shapes', 'finiteness', 'norms'],
  });
  if (failed > 0) throw new Error(`${failed} tests of the suite failed`);
}
