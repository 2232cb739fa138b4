import type { FloatArray, Program, Step } from '@sgd/core';

/** The step in the plainest words: one element at a time, one rounding after each operation. Shares nothing with the kernels. */
export interface Reference {
  readonly x: number[][];
  readonly m: number[][];
  readonly v: number[][];
  readonly a: number[][];
  gradientNorm?: number;
  updateNorm?: number;
  step(step: Step, gradients: readonly FloatArray[], indices: readonly number[]): boolean;
}

/** Numpy's sum over a contiguous array. */
function pairwiseSum(values: readonly number[], R: (v: number) => number): number {
  const n = values.length;
  if (n < 8) return values.reduce((sum, value) => R(sum + value), 0);
  if (n <= 128) {
    const r = values.slice(0, 8);
    const full = n - (n % 8);
    for (let i = 8; i < full; i++) r[i % 8] = R(r[i % 8]! + values[i]!);
    let sum = R(R(R(r[0]! + r[1]!) + R(r[2]! + r[3]!)) + R(R(r[4]! + r[5]!) + R(r[6]! + r[7]!)));
    for (let i = full; i < n; i++) sum = R(sum + values[i]!);
    return sum;
  }
  let half = Math.floor(n / 2);
  half -= half % 8;
  return R(pairwiseSum(values.slice(0, half), R) + pairwiseSum(values.slice(half), R));
}

const roundings = { float32: Math.fround, float64: (v: number): number => v };
const maximum = (a: number, b: number): number => (a !== a || b !== b ? NaN : a > b ? a : b);
const minimum = (a: number, b: number): number => (a !== a || b !== b ? NaN : a < b ? a : b);

export function reference(program: Program, initial: readonly FloatArray[]): Reference {
  const { accumulates, averages } = program;
  const hasMomentum = program.slots.length > 0;
  const zeros = (i: number): number[] => Array.from(initial[i]!, () => 0);
  const each = program.variables.map((_, i) => i);
  const ref: Reference = {
    x: initial.map((values) => Array.from(values)),
    m: each.map(zeros),
    v: each.map(zeros),
    a: each.map(zeros),
    step,
  };
  const roundingOf = (i: number): ((v: number) => number) => roundings[program.variables[i]!.dtype];

  function step(s: Step, gradients: readonly FloatArray[], indices: readonly number[]): boolean {
    if (program.finiteCheck && gradients.some((g) => g.some((value) => !Number.isFinite(value)))) return false;
    const updates = s.phase === 'update';
    const given = indices.map((i, j) => ({ i, g: Array.from(gradients[j]!) }));
    const ordinary = given.filter(({ i }) => !program.variables[i]!.overwrites);
    for (const one of ordinary) {
      const R = roundingOf(one.i);
      if (program.unscale) one.g = one.g.map((g) => R(g / R(s.lossScale)));
      if (!accumulates) continue;
      one.g = one.g.map((g, e) => R(g + ref.v[one.i]![e]!));
      if (updates) one.g = one.g.map((value) => R(value / R(s.accumulationSteps)));
    }
    if (program.finiteCheck && updates && !norms(ordinary).every(Number.isFinite)) return false;
    for (const { i, g } of given) if (program.variables[i]!.overwrites) overwrite(i, g, updates);
    if (!s.ordinary) return true;
    if (accumulates && !updates) for (const { i, g } of ordinary) ref.v[i] = g;
    if (updates) update(s, ordinary);
    if (averages) average(s);
    for (const { i } of ordinary) {
      const { constraint, shape } = program.variables[i]!;
      if (!constraint) continue;
      const data = Float64Array.from(ref.x[i]!);
      constraint(data, shape);
      ref.x[i] = Array.from(data, roundingOf(i));
    }
    return true;
  }

  function overwrite(i: number, g: number[], updates: boolean): void {
    if (accumulates) {
      const largest = g.map((value, e) => maximum(value, ref.v[i]![e]!));
      ref.v[i] = updates ? zeros(i) : largest;
      if (updates) ref.x[i] = largest;
    } else ref.x[i] = g;
  }

  function update(s: Step, ordinary: { i: number; g: number[] }[]): void {
    ref.gradientNorm = Math.sqrt(
      ordinary.flatMap(({ g }) => g.map((value) => value * value)).reduce((a, b) => a + b, 0),
    );
    clip(s, ordinary);
    let moved = 0;
    for (const { i, g } of ordinary) {
      const R = roundingOf(i);
      const { group, decays } = program.variables[i]!;
      const { nesterov } = program.configs[group] as { nesterov: boolean };
      const lr = R(s.rates[group]!.learningRate);
      const b = R(s.rates[group]!.options[0]!);
      const wd = R(s.rates[group]!.weightDecay);
      const x = ref.x[i]!;
      const m = ref.m[i]!;
      for (let e = 0; e < x.length; e++) {
        const old = x[e]!;
        if (decays) x[e] = R(x[e]! - R(R(x[e]! * wd) * lr));
        const move = R(R(g[e]!) * lr);
        if (!hasMomentum) x[e] = R(x[e]! - move);
        else {
          m[e] = R(R(m[e]! * b) - move);
          x[e] = R(x[e]! + (nesterov ? R(R(m[e]! * b) - move) : m[e]!));
        }
        moved += (x[e]! - old) ** 2;
      }
    }
    ref.updateNorm = Math.sqrt(moved);
    for (const i of each) ref.v[i] = zeros(i);
  }

  const square = (i: number, g: number[]): number =>
    pairwiseSum(
      g.map((v) => roundingOf(i)(v * v)),
      roundingOf(i),
    );
  const commonOf = (ordinary: { i: number }[]): ((v: number) => number) =>
    roundings[ordinary.some(({ i }) => program.variables[i]!.dtype === 'float64') ? 'float64' : 'float32'];

  /** The norms to clip by: of each gradient, or of all. */
  function norms(ordinary: { i: number; g: number[] }[]): number[] {
    const sums = ordinary.map(({ i, g }) => square(i, g));
    if (program.clip === 'norm') return ordinary.map(({ i }, j) => roundingOf(i)(Math.sqrt(sums[j]!)));
    const R = commonOf(ordinary);
    return program.clip === 'global-norm' ? [R(Math.sqrt(pairwiseSum(sums, R)))] : [];
  }

  function clip(s: Step, ordinary: { i: number; g: number[] }[]): void {
    const found = norms(ordinary);
    if (program.clip === 'global-norm') {
      const R = commonOf(ordinary);
      const n = found[0]!;
      const q = minimum(R(1 / n), R(1 / s.clipLimit));
      const f = R(R(R(s.clipLimit) * q) + R(n - n));
      for (const one of ordinary) one.g = one.g.map((g) => R(g * f));
      return;
    }
    for (const [j, one] of ordinary.entries()) {
      const R = roundingOf(one.i);
      const c = R(s.clipLimit);
      if (program.clip === 'value') one.g = one.g.map((g) => minimum(maximum(g, -c), c));
      if (program.clip !== 'norm') continue;
      const n = found[j]!;
      one.g = one.g.map((g) => R(R(g * c) / maximum(n, c)));
    }
  }

  function average(s: Step): void {
    for (const i of each) {
      const R = roundingOf(i);
      if (program.variables[i]!.overwrites) continue;
      const b = R(s.averageMomentum);
      ref.a[i] = ref.a[i]!.map((a, e) => R(R(b * a) + R(R(1 - b) * ref.x[i]![e]!)));
      if (s.averageOverwrite) ref.x[i] = [...ref.a[i]!];
    }
  }

  return ref;
}
