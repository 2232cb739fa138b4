import type { Entry, FloatArray, Program, Slot, Step } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import type { WasmBackend, WasmVariable } from '@sgd/wasm';
import fc from 'fast-check';
import { anyProgram, anyStep, numbers as anyNumbers } from '../../../tests/support/arbitraries.ts';
import { program, type SGDProgram, update, variable } from '../../../tests/support/programs.ts';

const BOUNDARIES = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 127, 128, 129, 136, 144, 255, 256, 257, 272, 1023, 1025, 2049];
/** Deterministic numbers of many magnitudes; one in `rare` is special. */
export const numbers = (seed: number, length: number, rare: number): Float32Array =>
  anyNumbers(seed, length, 'float32', rare) as Float32Array;

const size = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...BOUNDARIES) }, { weight: 3, arbitrary: fc.nat(70) });
/** Any program of up to four variables. */
export const programs: fc.Arbitrary<Program> = anyProgram(['float32'], size);

export const steps = fc.array(anyStep([1, 0.1, 32768, 1e-40, 2 ** 126, 2 ** 127, 2 ** -126]), {
  minLength: 1,
  maxLength: 5,
});
type Drawn = typeof steps extends fc.Arbitrary<infer T> ? T : never;

/**
 * Opens the program on both engines and compares everything after every step, bit for bit.
 *
 * @param arrays - in two bits, whether variables and whether gradients are ordinary arrays
 * @param grows - whether the arena grows before and after each step, which detaches all views
 */
export async function trial(
  backend: WasmBackend,
  program: Program,
  drawn: Drawn,
  rare: number,
  seed: number,
  arrays: number,
  grows = false,
): Promise<void> {
  const { variables } = program;
  const initial = variables.map((v, i) => numbers(seed + i, v.shape[0]!, rare));
  const expected = initial.map((x) => x.slice());
  const handles = initial.map((x): WasmVariable => (arrays & 1 ? x.slice() : backend.from(x)));
  const ours = backend.open(program, handles);
  const theirs = cpu().open(program, expected);
  let grown = 0;
  const grow = (): void => {
    if (grows) backend.free(backend.zeros([2 ** 14 * ++grown]));
  };
  for (const { updates, given, backwards, seed: own, ...rest } of drawn) {
    const indices = variables.map((_, i) => i).filter((i) => (given >> i) & 1);
    if (indices.length === 0) indices.push(0);
    if (backwards) indices.reverse();
    const step: Step = {
      ...rest,
      phase: updates || !program.accumulates ? 'update' : 'accumulate',
      ordinary: indices.some((i) => !variables[i]!.overwrites),
    };
    const gradients = indices.map((i) => numbers(own + i, variables[i]!.shape[0]!, rare));
    const copies = gradients.map((g) => g.slice());
    const lent = gradients.map((g) => (arrays & 2 ? g : backend.from(g)));
    grow();
    const taken = ours.step(step, lent, indices);
    grow();
    if (taken !== theirs.step(step, copies, indices)) throw new Error(`the step gave ${taken}`);
    lent.forEach((g, j) => same('data' in g ? g.data : g, copies[j]!, `gradient ${j}`));
    for (const g of lent) backend.free(g);
    handles.forEach((x, i) => {
      // an ordinary array is written back where the value may have changed, which includes all that did
      same('data' in x ? x.data : x, expected[i]!, `variable ${i}`);
    });
    const entries: Entry[] = variables.flatMap(({ overwrites }, index) =>
      ['variable', ...slotsOf(program)]
        .filter((slot) => slot === 'variable' || slot === 'gradient_accumulator' || !overwrites)
        .map((slot) => ({ slot, index })),
    );
    const [got, wanted] = await Promise.all([ours.read(entries), theirs.read(entries)]);
    entries.forEach(({ slot, index }, e) => same(got[e]!, wanted[e]!, `${slot} of ${index}`));
    const [measured, asked] = await Promise.all([ours.measured!(), theirs.measured!()]);
    close(measured.gradientNorm, asked.gradientNorm);
    close(measured.updateNorm, asked.updateNorm);
  }
  ours.dispose();
  for (const x of handles) backend.free(x);
}

/** The slots of variables that are not overwritten. */
export const slotsOf = ({ slots, accumulates, averages }: Program): Slot[] => [
  ...slots.map(({ name }) => name),
  ...(accumulates ? ['gradient_accumulator'] : []),
  ...(averages ? ['average'] : []),
];

/** Plain descent on variables of these lengths. */
const programOf = (lengths: readonly number[], more: SGDProgram = {}): Program =>
  program(
    lengths.map((length, i) => variable(length, { path: `v${i}` })),
    more,
  );

const STEP: Step = {
  ...update,
  lossScale: 3,
  accumulationSteps: 2,
  clipLimit: 0.1,
  rates: [{ learningRate: 1, weightDecay: 0.01, options: [0.9] }, ...update.rates.slice(1)],
  averageMomentum: 0.9,
};

/** One step with a norm clip over variables of these lengths, whose sums show in the last bit in which order they were taken. */
export function wantSameNorms(backend: WasmBackend, clip: Program['clip'], lengths: readonly number[]): void {
  const program = programOf(lengths, { clip });
  // of one magnitude, so that each addition rounds
  const gradients = lengths.map((length, i) =>
    Float32Array.from({ length }, (_, e) => 1 + Math.fround(Math.sin(7 * i + e))),
  );
  const indices = lengths.map((_, i) => i);
  const [ours, theirs] = [lengths, lengths].map((all) => all.map((length) => new Float32Array(length))) as [
    Float32Array[],
    Float32Array[],
  ];
  const session = backend.open(program, ours);
  session.step(STEP, gradients, indices);
  session.dispose();
  cpu().open(program, theirs).step(STEP, gradients, indices);
  ours.forEach((x, i) => same(x, theirs[i]!, `${clip} over ${lengths.length}, ${x.length} of ${i}`));
}

/** Elements of an array that is fed in pieces when it comes again. */
const LARGE = 2 ** 18 + 1003;

/** Steps over a large gradient in an ordinary array that comes again and again, with everything that passes do. */
export function wantSameWhenFed(backend: WasmBackend): void {
  const lengths = [LARGE, 5];
  const keeps = ['momentum', 'gradient_accumulator', 'average'] as const;
  const variables = programOf(lengths).variables.map((v, i) => ({ ...v, decays: i === 0 }));
  const programs = [
    programOf(lengths, { keeps: ['momentum'], clip: 'value' }),
    programOf(lengths, { keeps, finiteCheck: true, variables }),
    programOf(lengths, { keeps, unscale: true, clip: 'global-norm', nesterov: true }),
    programOf(lengths, { clip: 'norm', finiteCheck: true }),
  ];
  for (const program of programs) {
    const initial = program.variables.map((v, i) => numbers(i, v.shape[0]!, 0));
    const gradients = initial.map((x, i) => numbers(7 + i, x.length, 0));
    const [ours, theirs] = [initial.map((x) => backend.from(x)), initial.map((x) => x.slice())];
    const session = backend.open(program, ours);
    const reference = cpu().open(program, theirs);
    const micro: Step = { ...STEP, phase: program.accumulates ? 'accumulate' : 'update' };
    // the last is not finite, which one of the last elements alone shows
    for (const [n, own] of [STEP, micro, STEP, micro, STEP].entries()) {
      gradients[0]![LARGE - 1] = n === 4 ? NaN : n;
      const taken = session.step(own, gradients, [0, 1]);
      if (taken !== reference.step(own, gradients, [0, 1])) throw new Error(`step ${n} gave ${taken}`);
      ours.forEach((x, i) => same(x.data, theirs[i]!, `${program.clip}, step ${n}, variable ${i}`));
    }
    session.dispose();
    for (const x of ours) backend.free(x);
  }
}

/** Sums in float64 taken in another order. */
function close(got: number | undefined, wanted: number | undefined): void {
  if (Object.is(got, wanted) || Math.abs(got! - wanted!) <= 1e-12 * wanted!) return;
  throw new Error(`a norm: got ${got}, expected ${wanted}`);
}

/** The same bits; NaN equals NaN. */
export function same(got: FloatArray, wanted: FloatArray, what: string): void {
  if (got.length !== wanted.length) throw new Error(`${what}: ${got.length} values, expected ${wanted.length}`);
  for (let i = 0; i < wanted.length; i++) {
    if (!Object.is(got[i], wanted[i])) throw new Error(`${what}[${i}]: got ${got[i]}, expected ${wanted[i]}`);
  }
}
