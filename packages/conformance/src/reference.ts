import { roundTo } from './numbers.ts';

/** What the reference needs to know about a variable. Numbers of a group stand in place of the optimizer's. */
export interface ReferenceVariable {
  readonly values: ArrayLike<number>;
  readonly decays?: boolean;
  readonly overwrites?: boolean;
  readonly nonNegative?: boolean;
  readonly frozen?: boolean;
  readonly learningRate?: number;
  readonly multiplier?: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
}

/** Keras's options, as the rules in the documentation name them. */
export interface ReferenceOptions {
  readonly learningRate: (rawStep: number) => number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number | null;
  readonly clipnorm?: number;
  readonly globalClipnorm?: number;
  readonly clipvalue?: number;
  readonly average?: { readonly momentum: number; readonly frequency: number };
  readonly accumulationSteps?: number;
  /** A constant that gradients are divided by. */
  readonly lossScale?: number;
  /** Dynamic loss scaling; it drops steps that are not finite. */
  readonly scaling?: { readonly initial: number; readonly growthSteps: number };
  /** Whether steps are dropped without it, too, that have an element or a norm to clip by that is not finite. */
  readonly dropsNonFinite?: boolean;
  /** Constants are rounded to this type first, as Keras does; all else is float64. */
  readonly dtype: 'float32' | 'float64';
}

interface Kept {
  readonly own: ReferenceVariable;
  x: number[];
  m: number[];
  a: number[];
  average: number[];
}

/** L2 norm, in float64. */
const norm = (arrays: readonly (readonly number[])[]): number =>
  Math.sqrt(arrays.reduce((sum, array) => array.reduce((part, g) => part + g * g, sum), 0));

/**
 * Keras's SGD in float64, written from the rules and for reading: no kernel, no slot that is left out, no rounding but that of the
 * constants. What it computes is right to within the rounding errors of the float32 that engines compute in.
 */
export class Reference {
  readonly variables: readonly Kept[];
  readonly #options: ReferenceOptions;
  /** Steps taken, micro-steps included. */
  raw = 0;
  scale: number;
  counter = 0;
  measured: { gradientNorm?: number; updateNorm?: number } = {};

  constructor(options: ReferenceOptions, variables: readonly ReferenceVariable[]) {
    this.#options = options;
    this.scale = options.scaling?.initial ?? options.lossScale ?? 1;
    this.variables = variables.map((own) => {
      const x = Array.from(own.values);
      const zeros = (): number[] => x.map(() => 0);
      return { own, x, m: zeros(), a: zeros(), average: zeros() };
    });
  }

  #round(x: number): number {
    return roundTo(this.#options.dtype, x);
  }

  /** Whether the next step is dropped if its squares overflow. */
  get dropsNorms(): boolean {
    const { scaling, dropsNonFinite, clipnorm = 0, globalClipnorm = 0, accumulationSteps: k = 1 } = this.#options;
    const drops = scaling !== undefined || dropsNonFinite === true;
    return drops && clipnorm + globalClipnorm > 0 && (this.raw + 1) % k === 0;
  }

  /** One call of `apply` with a gradient or null for each variable. False when it was dropped. */
  step(gradients: readonly (ArrayLike<number> | null)[]): boolean {
    const { scaling, dropsNonFinite } = this.#options;
    const dropped = (scaling || dropsNonFinite) && !this.#isFinite(gradients);
    if (!dropped) this.#apply(gradients);
    if (scaling) this.#rescale(scaling.growthSteps, !dropped);
    return !dropped;
  }

  /** Whether all elements are finite and, when the step updates, so are the norms to clip by, in the type of the variables. */
  #isFinite(gradients: readonly (ArrayLike<number> | null)[]): boolean {
    const given = gradients.flatMap((g, i) => (g === null || this.variables[i]!.own.frozen ? [] : [Array.from(g)]));
    if (!given.flat().every(Number.isFinite)) return false;
    const { clipnorm = 0, globalClipnorm = 0, accumulationSteps: k = 1 } = this.#options;
    if ((this.raw + 1) % k !== 0) return true;
    const means = this.#ordinary(gradients).map(({ v, g }) => this.#mean(v, g));
    const clipped = clipnorm > 0 ? means.map((g) => [g]) : globalClipnorm > 0 ? [means] : [];
    return clipped.every((all) => Number.isFinite(this.#round(norm(all) ** 2)));
  }

  #rescale(growthSteps: number, taken: boolean): void {
    if (!taken) {
      this.counter = 0;
      this.scale *= 0.5;
    } else if (this.counter === growthSteps - 1) {
      this.counter = 0;
      this.scale *= 2;
    } else this.counter++;
  }

  /** The gradients that move their variables, unscaled. */
  #ordinary(gradients: readonly (ArrayLike<number> | null)[]): { v: Kept; g: number[] }[] {
    return this.variables.flatMap((v, i) => {
      const given = gradients[i];
      if (!given || v.own.frozen || v.own.overwrites) return [];
      return [{ v, g: Array.from(given, (g) => g / this.#round(this.scale)) }];
    });
  }

  #mean(v: Kept, g: readonly number[]): number[] {
    const { accumulationSteps: k = 1 } = this.#options;
    return k > 1 ? g.map((x, i) => (x + v.a[i]!) / k) : [...g];
  }

  #apply(gradients: readonly (ArrayLike<number> | null)[]): void {
    const { accumulationSteps: k = 1, average } = this.#options;
    const updates = (this.raw + 1) % k === 0;
    const ordinary = this.#ordinary(gradients);
    this.variables.forEach((v, i) => {
      const given = gradients[i];
      if (given && v.own.overwrites && !v.own.frozen) this.#overwrite(v, Array.from(given), k > 1, updates);
    });
    if (ordinary.length > 0) {
      if (!updates) for (const { v, g } of ordinary) v.a = v.a.map((a, i) => a + g[i]!);
      else this.#update(ordinary);
      const iterations = Math.floor(this.raw / k);
      if (average) this.#average(average, iterations);
      for (const { v } of ordinary) if (v.own.nonNegative) v.x = v.x.map((x) => Math.max(x, 0));
    }
    this.raw++;
  }

  #overwrite(v: Kept, given: number[], accumulates: boolean, updates: boolean): void {
    if (!accumulates) {
      v.x = given;
      return;
    }
    v.a = v.a.map((a, i) => Math.max(a, given[i]!));
    if (!updates) return;
    v.x = v.a;
    v.a = v.a.map(() => 0);
  }

  #update(given: readonly { v: Kept; g: number[] }[]): void {
    const meaned = given.map(({ v, g }) => ({ v, g: this.#mean(v, g) }));
    const clipped = this.#clip(meaned.map(({ g }) => g));
    const changes = meaned.map(({ v }, j) => this.#move(v, clipped[j]!));
    for (const v of this.variables) v.a = v.a.map(() => 0);
    this.measured = { gradientNorm: norm(meaned.map(({ g }) => g)), updateNorm: norm(changes) };
  }

  #clip(gradients: readonly number[][]): readonly number[][] {
    const { clipnorm = 0, globalClipnorm = 0, clipvalue = 0 } = this.#options;
    if (clipnorm > 0) {
      const c = this.#round(clipnorm);
      return gradients.map((g) => g.map((x) => (x * c) / Math.max(norm([g]), c)));
    }
    if (globalClipnorm > 0) {
      const n = norm(gradients);
      const factor = globalClipnorm * Math.min(1 / n, 1 / globalClipnorm) + (n - n);
      return gradients.map((g) => g.map((x) => x * factor));
    }
    if (clipvalue > 0) {
      const c = this.#round(clipvalue);
      return gradients.map((g) => g.map((x) => Math.min(Math.max(x, -c), c)));
    }
    return gradients;
  }

  /** Decay, then the rule. Gives the change. */
  #move(v: Kept, g: readonly number[]): number[] {
    const { own } = v;
    const rate = own.learningRate ?? this.#options.learningRate(this.raw);
    const lr = this.#round(rate * (own.multiplier ?? 1));
    const b = this.#round(own.momentum ?? this.#options.momentum);
    const decay = own.weightDecay ?? this.#options.weightDecay;
    const before = v.x;
    if (decay !== null && (own.decays ?? true)) v.x = v.x.map((x) => x - x * this.#round(decay) * lr);
    v.m = v.m.map((m, i) => m * b - g[i]! * lr);
    v.x = v.x.map((x, i) => x + (this.#options.nesterov ? v.m[i]! * b - g[i]! * lr : v.m[i]!));
    return v.x.map((x, i) => x - before[i]!);
  }

  #average({ momentum, frequency }: { momentum: number; frequency: number }, iterations: number): void {
    const b = iterations === 0 ? 0 : this.#round(momentum);
    const overwrites = frequency > 0 && (iterations + 1) % frequency === 0;
    for (const v of this.variables) {
      if (v.own.overwrites) continue;
      v.average = v.average.map((a, i) => b * a + (1 - b) * v.x[i]!);
      if (overwrites) v.x = v.average;
    }
  }
}
