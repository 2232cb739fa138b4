import type { FloatArray } from '@sgd/core';
import type { AnyBackend } from '../backend.ts';
import { isExact } from '../backend.ts';
import { type Detail, show } from '../failure.ts';
import {
  type GoldenExpectation,
  type GoldenNumber,
  type GoldenSlots,
  toNumber,
  type TrajectoryCase,
  withNumbers,
} from '../goldens/format.ts';
import { printable } from '../goldens/rules.ts';
import { largestMagnitude, roundTo, same, ulpsBetween } from '../numbers.ts';
import type { Observed, ObservedState } from './observed.ts';

/** A difference, and where the golden number stands in the case: `expect.2.variables.0.5`. */
export interface Mismatch extends Detail {
  readonly path: readonly (string | number)[];
}

/** How strictly numbers are compared. */
export interface Strictness {
  readonly exact: boolean;
  readonly rtol: number;
  readonly atol: number;
  /** Whether a rate made of pow, cos or log may be an ulp off. */
  readonly looseRates: boolean;
}

/** Sums of squares and transcendental functions may be off by so much of the largest magnitude of the array. */
const REDUCTION = 1e-5;

/** What a backend claims. */
export function strictnessOf(backend: AnyBackend): Strictness {
  return { exact: isExact(backend), ...backend.tolerance, looseRates: true };
}

/** Compares everything that was recorded with what was seen. Numbers within the tolerance give nothing. */
export function compare(test: TrajectoryCase, observed: Observed, strictness: Strictness): Mismatch[] {
  return new Comparison(test, strictness).all(observed);
}

const slotNames = [
  ['momentums', 'momentum'],
  ['accumulators', 'gradient_accumulator'],
  ['averages', 'average'],
] as const;

class Comparison {
  readonly #test: TrajectoryCase;
  readonly #strictness: Strictness;
  readonly #dtype: 'float32' | 'float64';
  readonly #found: Mismatch[] = [];
  /** The rate of a step was an ulp off (pow, cos, log): from there on the bits may differ. */
  #drifted = false;

  constructor(test: TrajectoryCase, strictness: Strictness) {
    this.#test = test;
    this.#strictness = strictness;
    this.#dtype = test.dtype as 'float32' | 'float64';
  }

  all(observed: Observed): Mismatch[] {
    for (const { step, field, message } of observed.complaints)
      this.#add([], field, `${this.#at(step)}${field}: ${message}`, step === undefined ? {} : { step });
    this.#warnings(observed);
    for (const [index, expectation] of this.#test.expect.entries()) {
      const state = observed.states.get(expectation.step);
      if (state) this.#state(expectation, state, index);
      else if (observed.ended === null)
        this.#add(['expect', index], 'step', `${this.#at(expectation.step)}recorded, but there is no such step`);
    }
    if (observed.final && this.#test.final)
      this.#arrays(
        this.#test.final.variables,
        observed.final,
        'final',
        ['final', 'variables'],
        this.#test.steps.length,
      );
    if (observed.optimizerVariables) this.#list(observed.optimizerVariables);
    return this.#found;
  }

  #at(step?: number): string {
    return step === undefined ? `${this.#test.id}: ` : `${this.#test.id}: step ${step}: `;
  }

  #add(path: Mismatch['path'], field: string, message: string, rest: Partial<Detail> = {}): void {
    this.#found.push({ case: this.#test.id, path, field, message, ...rest });
  }

  /** Each set of paths is warned of once; what was warned of in steps that are not recorded counts as seen. */
  #warnings(observed: Observed): void {
    const seen = new Set<string>();
    const recorded = new Map(this.#test.expect.map((expectation) => [expectation.step, expectation]));
    for (const [step, { warned }] of [...observed.states].sort(([a], [b]) => a - b)) {
      const expectation = recorded.get(step);
      if (!expectation) {
        if (warned) seen.add(JSON.stringify(warned));
        continue;
      }
      const missing = expectation.warnedMissing;
      const wanted = missing && !seen.has(JSON.stringify(missing)) ? missing : undefined;
      if (JSON.stringify(warned) !== JSON.stringify(wanted)) {
        const message = `${this.#at(step)}warning about missing gradients: expected ${show(wanted)}, got ${show(warned)}`;
        const path = ['expect', this.#test.expect.indexOf(expectation), 'warnedMissing'];
        this.#add(path, 'warnedMissing', message, { step, expected: wanted, got: warned });
      }
      if (missing) seen.add(JSON.stringify(missing));
    }
  }

  #state(expected: GoldenExpectation, got: ObservedState, index: number): void {
    const { step } = expected;
    const path = ['expect', index];
    this.#rate('learningRateUsed', expected.learningRateUsed, got.learningRateUsed, step, path);
    for (const field of ['iterations', 'rawIterations', 'stepCounter', 'dynamicScale'] as const) {
      const want = expected[field];
      if (want !== undefined) this.#number(field, toNumber(want), got[field], step, path);
    }
    this.#arrays(expected.variables, got.variables, 'variables', [...path, 'variables'], step);
    for (const [field, slot] of slotNames) {
      const arrays = got.slots.map((slots) => slots[slot]);
      this.#arrays(expected[field], arrays, field, [...path, field], step);
    }
    this.#rate('learningRate', expected.learningRate, got.learningRate, step, path);
  }

  #rate(field: string, recorded: GoldenNumber, got: number, step: number, path: Mismatch['path']): void {
    const expected = Math.fround(toNumber(recorded));
    const ulps = ulpsBetween(expected, got, 'float32');
    if (ulps === 1 && this.#test.exactness === 'transcendental' && this.#strictness.looseRates) this.#drifted = true;
    else if (ulps > 0) this.#number(field, expected, got, step, path);
  }

  #number(field: string, expected: number, got: number | undefined, step: number, path: Mismatch['path']): void {
    if (got !== undefined && same(Math.fround(expected), got)) return;
    const ulps = got === undefined ? undefined : ulpsBetween(Math.fround(expected), got, 'float32');
    const message = `${this.#at(step)}${field}: expected ${expected}, got ${show(got)}${inUlps(ulps)}`;
    this.#add([...path, field], field, message, { step, expected, got, ...(ulps === undefined ? {} : { ulps }) });
  }

  #arrays(
    expected: GoldenSlots,
    got: readonly (FloatArray | undefined)[],
    field: string,
    path: Mismatch['path'],
    step: number,
  ): void {
    this.#test.variables.forEach((variable, v) => {
      const want = expected?.[v] ?? null;
      const values = got[v];
      if (want === null || values === undefined) {
        if (want === null && values === undefined) return;
        const message = `${this.#at(step)}${field} of "${variable.path}": expected ${want ? 'values' : 'no such slot'}, got ${values ? 'values' : 'none'}`;
        return this.#add([...path, v], field, message, { step, variable: variable.path });
      }
      if (want.length !== values.length) {
        const message = `${this.#at(step)}${field} of "${variable.path}": expected ${want.length} values, got ${values.length}`;
        return this.#add([...path, v], field, message, { step, variable: variable.path });
      }
      this.#elements(want.map(toNumber), values, field, [...path, v], step, variable.path);
    });
  }

  #elements(
    want: number[],
    got: FloatArray,
    field: string,
    path: Mismatch['path'],
    step: number,
    variable: string,
  ): void {
    let limit: number | undefined;
    for (let i = 0; i < want.length; i++) {
      const expected = roundTo(this.#dtype, want[i]!);
      const value = got[i]!;
      if (same(expected, value)) continue;
      limit ??= this.#limit(want, step);
      if (Math.abs(expected - value) <= limit) continue;
      const ulps = ulpsBetween(expected, value, this.#dtype);
      const message = `${this.#at(step)}${field} of "${variable}", element ${i}: expected ${expected}, got ${value}${inUlps(ulps)}`;
      this.#add([...path, i], field, message, { step, variable, element: i, expected, got: value, ulps });
    }
  }

  /** How far a number may be off: nothing for a backend that claims the bits, as long as the rates were Keras's. */
  #limit(values: number[], step: number): number {
    const { exact, rtol, atol } = this.#strictness;
    const largest = largestMagnitude(values);
    if (exact) return this.#drifted ? REDUCTION * largest : 0;
    const ofSteps = (step + 1) * (atol + rtol * largest); // the tolerance is of one step
    return this.#test.exactness === 'exact' ? ofSteps : Math.max(ofSteps, REDUCTION * largest);
  }

  #list(got: readonly unknown[]): void {
    const expected = this.#test.optimizerVariables;
    for (let i = 0; i < Math.max(expected.length, got.length); i++) {
      const [want, have] = [expected[i], got[i]].map((variable) => {
        const { path, shape, dtype } = (variable ?? {}) as Record<string, unknown>;
        return variable && show([path, shape, dtype]);
      });
      if (want === have) continue;
      const message = `${this.#at()}optimizer variable ${i}: expected ${String(want)}, got ${String(have)}`;
      this.#add(['optimizerVariables', i], 'optimizerVariables', message, { expected: want, got: have });
    }
  }
}

function inUlps(ulps: number | undefined): string {
  return ulps === undefined || !Number.isFinite(ulps) ? '' : ` (${ulps} ulp)`;
}

const shownKeys = (keys: readonly string[]): string =>
  `${printable(keys.slice(0, 20).join(', '))}${keys.length > 20 ? `, … (${keys.length} in all)` : ''}`;

/** Compares two values as JSON, order of keys included; the paths at which they differ. */
export function compareJson(expected: unknown, found: unknown, path: readonly (string | number)[] = []): Mismatch[] {
  const want = withNumbers(expected);
  const got = withNumbers(found);
  const at = path.join('.');
  const differ = (message: string): Mismatch[] => [
    { path, field: at, expected: want, got, message: `${at}: ${message}` },
  ];
  const isTree = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  if (!isTree(want) || !isTree(got)) {
    const equal = typeof want === 'number' && typeof got === 'number' ? same(want, got) : want === got;
    return equal ? [] : differ(`expected ${show(want)}, got ${show(got)}`);
  }
  const keys = Object.keys(want);
  if (Array.isArray(want) !== Array.isArray(got) || keys.join() !== Object.keys(got).join())
    return differ(`expected the keys ${shownKeys(keys)}, got ${shownKeys(Object.keys(got))}`);
  return keys.flatMap((key) => compareJson(want[key], got[key], [...path, Array.isArray(want) ? Number(key) : key]));
}
