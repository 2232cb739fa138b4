import type { Entry, Program, Step } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { tfjs } from '@sgd/tfjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyProgram, anyStep, numbers } from '../../../tests/support/arbitraries.ts';
import { ENGINES, start, tf } from './engines.ts';

const size = fc.oneof(fc.nat(40), fc.constantFrom(127, 128, 129, 1025));
const steps = fc.array(anyStep([1, 0.1, 32768]), { minLength: 1, maxLength: 5 });
type Drawn = typeof steps extends fc.Arbitrary<infer T> ? T : never;

/** Variables and slots. */
function entriesOf({ variables, slots, accumulates, averages }: Program): Entry[] {
  return variables.flatMap(({ overwrites }, index) => {
    const ofRule = overwrites ? [] : [...slots.map(({ name }) => name), ...(averages ? ['average'] : [])];
    const all = ['variable', ...ofRule, ...(accumulates ? ['gradient_accumulator'] : [])];
    return all.map((slot) => ({ slot, index }));
  });
}

/** Takes the same steps on both engines, and compares everything after each. */
async function trial(program: Program, drawn: Drawn, seed: number): Promise<void> {
  const { variables } = program;
  const backend = tfjs();
  const expected = variables.map((v, i) => numbers(seed + i, v.shape[0]!, 'float32', 40));
  const handles = variables.map(({ shape }, i) => backend.variable({ data: expected[i]!, shape }));
  const [ours, theirs] = [backend.open(program, handles), cpu().open(program, expected)];
  const entries = entriesOf(program);
  for (const { updates, given, backwards, seed: own, ...rest } of drawn) {
    const indices = [...variables.keys()].filter((i) => (given >> i) & 1);
    if (indices.length === 0) indices.push(0);
    if (backwards) indices.reverse();
    const step: Step = {
      ...rest,
      phase: updates || !program.accumulates ? 'update' : 'accumulate',
      ordinary: indices.some((i) => !variables[i]!.overwrites),
    };
    const gradients = indices.map((i) => numbers(own + i, variables[i]!.shape[0]!, 'float32', 40));
    const lent = gradients.map((data, j) => backend.gradient({ data, shape: variables[indices[j]!]!.shape }));
    expect(ours.step(step, lent, indices)).toBe(theirs.step(step, gradients, indices));
    lent.forEach((gradient, j) => expect(gradient.dataSync()).toEqual(gradients[j]));
    tf.dispose(lent);
    expect(await ours.read(entries)).toEqual(await theirs.read(entries));
  }
  ours.dispose();
  tf.dispose(handles);
}

describe.each(ENGINES)('on %s', (engine) => {
  it('any options, any steps: the bits of @sgd/cpu, and no tensor is left', { timeout: 60_000 }, async () => {
    await start(engine);
    const before = tf.memory().numTensors;
    await fc.assert(fc.asyncProperty(anyProgram(['float32'], size), steps, fc.nat(), trial), { numRuns: 150 });
    expect(tf.memory().numTensors).toBe(before);
  });
});
