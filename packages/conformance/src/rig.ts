import { sizeOf } from '@sgd/core/engine';
import {
  type Constraint,
  type Extras,
  type Feature,
  type FloatArray,
  LossScaleOptimizer,
  type LossScaleOptions,
  type Mode,
  SGD,
  type SGDOptions,
  type State,
} from '@sgd/core';
import { type AnyBackend, type AnyOptimizer, isExact, tensor } from './backend.ts';
import { check, fail, show } from './failure.ts';
import { identical, largestMagnitude, same } from './numbers.ts';
import { random } from './random.ts';

/** An optimizer to be made, by Keras's options and ours. */
export interface Spec {
  readonly options?: SGDOptions;
  readonly extras?: Extras;
  /** Wrapped in a LossScaleOptimizer. */
  readonly scaling?: LossScaleOptions;
  readonly exclude?: readonly string[];
  readonly overwrite?: readonly string[];
  readonly constraints?: Readonly<Record<string, Constraint>>;
  readonly dtype?: 'float32' | 'float64';
}

/** Shapes by path. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** All that an optimizer holds, copied out. */
export interface Snapshot {
  readonly values: Readonly<Record<string, FloatArray>>;
  readonly state: State;
  readonly iterations: number;
  readonly learningRate: number;
}

const isOn = (limit: number | null | undefined): boolean => limit !== null && limit !== undefined && limit > 0;

/** The features that a spec needs. */
export function needsOfSpec({ options = {}, extras = {}, ...spec }: Spec): Feature[] {
  const { weightDecay, gradientAccumulationSteps: k } = options;
  const groups = extras.groups ?? [];
  const needs: [Feature, boolean][] = [
    ['weight-decay', typeof weightDecay === 'number' || groups.some((group) => typeof group.weightDecay === 'number')],
    ['accumulation', Boolean(k)],
    ['average', Boolean(options.useEma)],
    ['finite-check', spec.scaling !== undefined || (extras.nonFinite ?? 'keras') !== 'keras'],
    ['clip-value', isOn(options.clipvalue)],
    ['clip-norm', isOn(options.clipnorm)],
    ['clip-global-norm', isOn(options.globalClipnorm)],
    ['groups', groups.length > 0],
    ['measure', (extras.measure?.length ?? 0) > 0],
    ['overwrite', spec.overwrite !== undefined],
    ['constraint', spec.constraints !== undefined],
    ['float64', spec.dtype === 'float64'],
  ];
  return needs.filter(([, needed]) => needed).map(([feature]) => feature);
}

/** An optimizer of a spec, not built. */
export function makeOptimizer(
  { options = {}, extras = {}, scaling, exclude }: Spec,
  backend: AnyBackend,
): AnyOptimizer {
  const quiet = { onWarning: () => {}, ...extras };
  const sgd = new SGD<unknown, unknown, Mode>(options, backend, quiet);
  const optimizer = scaling ? new LossScaleOptimizer<unknown, unknown, Mode>(sgd, scaling) : sgd;
  if (exclude) optimizer.excludeFromWeightDecay({ names: exclude });
  return optimizer;
}

/** An optimizer that is built, the variables it was built on, and what a test does with them. */
export class Rig {
  readonly backend: AnyBackend;
  readonly optimizer: AnyOptimizer;
  readonly shapes: readonly (readonly number[])[];
  readonly #dtype: 'float32' | 'float64';
  #closed = false;

  private constructor(
    backend: AnyBackend,
    optimizer: AnyOptimizer,
    shapes: Rig['shapes'],
    dtype: 'float32' | 'float64',
  ) {
    this.backend = backend;
    this.optimizer = optimizer;
    this.shapes = shapes;
    this.#dtype = dtype;
  }

  /** Builds on variables of these shapes and values (default: seeded numbers between -1 and 1). */
  static async open(
    backend: AnyBackend,
    spec: Spec,
    shapes: Shapes,
    values: Readonly<Record<string, ArrayLike<number>>> = initialValues(shapes),
  ): Promise<Rig> {
    const optimizer = makeOptimizer(spec, backend);
    const { dtype = 'float32', overwrite = [], constraints = {} } = spec;
    const handles = Object.entries(shapes).map(([path, shape]): [string, unknown] => [
      path,
      backend.variable(tensor(values[path]!, shape, dtype, path)),
    ]);
    await optimizer.build(Object.fromEntries(handles), { overwriteWithGradient: overwrite, constraints });
    return new Rig(backend, optimizer, Object.values(shapes), dtype);
  }

  /** A gradient of the engine's for variable `index`. */
  gradient(values: ArrayLike<number>, index: number): unknown {
    return this.backend.gradient(tensor(values, this.shapes[index], this.#dtype));
  }

  /** One step over variables in build order, or in the order given; the gradients are freed afterwards. */
  async apply(gradients: readonly (ArrayLike<number> | null)[], order?: readonly number[]): Promise<boolean> {
    const made = gradients.map((values, j) => (values === null ? null : this.gradient(values, order?.[j] ?? j)));
    try {
      return await this.optimizer.apply(
        made,
        order?.map((index) => this.optimizer.trainableVariables[index]),
      );
    } finally {
      for (const gradient of made) if (gradient !== null) this.backend.free(gradient);
    }
  }

  /** Values of the variables, in build order. */
  async values(): Promise<FloatArray[]> {
    const all = await this.optimizer.readAll();
    return this.optimizer.trainablePaths.map((path) => all[path]!);
  }

  async snapshot(): Promise<Snapshot> {
    const { optimizer } = this;
    return {
      values: await optimizer.readAll(),
      state: await optimizer.getState(),
      iterations: optimizer.iterations,
      learningRate: optimizer.learningRate,
    };
  }

  /** Disposes of the optimizer and frees the variables. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const handles = [...this.optimizer.trainableVariables];
    await this.optimizer.dispose();
    for (const handle of handles) this.backend.free(handle);
  }
}

/** Opens a rig for the time of a call. */
export async function withRig<T>(
  backend: AnyBackend,
  spec: Spec,
  shapes: Shapes,
  body: (rig: Rig) => Promise<T>,
  values?: Readonly<Record<string, ArrayLike<number>>>,
): Promise<T> {
  const rig = await Rig.open(backend, spec, shapes, values);
  let result: T;
  try {
    result = await body(rig);
  } catch (error) {
    await rig.close().catch(() => {}); // the first error is the one to see
    throw error;
  }
  await rig.close();
  return result;
}

/** Seeded numbers between -1 and 1 for each variable. */
export function initialValues(shapes: Shapes, seed = 1): Record<string, Float32Array> {
  const next = random(seed);
  const entries = Object.entries(shapes).map(([path, shape]): [string, Float32Array] => [
    path,
    Float32Array.from({ length: sizeOf(shape) }, () => next() * 2 - 1),
  ]);
  return Object.fromEntries(entries);
}

/** Where two snapshots differ, in words; null when they are the same to the bit. */
function differenceOf(a: Snapshot, b: Snapshot): string | null {
  for (const path of Object.keys(a.values)) {
    if (!b.values[path] || !identical(a.values[path]!, b.values[path])) return `the variable "${path}"`;
    const [slotsBefore, slotsAfter] = [a.state.slots[path] ?? {}, b.state.slots[path] ?? {}];
    for (const slot of new Set([...Object.keys(slotsBefore), ...Object.keys(slotsAfter)])) {
      const [before, after] = [slotsBefore[slot], slotsAfter[slot]];
      if (!before || !after || !identical(before, after)) return `the ${slot} of "${path}"`;
    }
  }
  for (const key of ['iterations', 'learningRate'] as const) {
    if (!same(a[key], b[key])) return `${key}: ${a[key]} became ${b[key]}`;
    if (a.state[key] !== b.state[key] && !same(Number(a.state[key]), Number(b.state[key])))
      return `${key} in the state`;
  }
  const scales = [a, b].map(({ state }) => show(state.lossScale));
  return scales[0] === scales[1] ? null : `the loss scale: ${scales[0]} became ${scales[1]}`;
}

/** Fails unless the optimizer holds what it held, bit for bit. */
export async function wantUnchanged(rig: Rig, before: Snapshot, what: string): Promise<void> {
  const difference = differenceOf(before, await rig.snapshot());
  if (difference !== null) fail(`${what}: changed ${difference}`);
}

/**
 * Fails unless two results of the same arithmetic agree: to the bit for a backend of tolerance 0, else within its tolerance times
 * the steps that were taken.
 */
export function wantSame(backend: AnyBackend, expected: FloatArray, got: FloatArray, what: string, steps = 1): void {
  check(expected.length === got.length, `${what}: expected ${expected.length} values, got ${got.length}`);
  const { rtol, atol } = backend.tolerance;
  const limit = isExact(backend) ? 0 : steps * (atol + rtol * largestMagnitude(expected));
  for (let i = 0; i < expected.length; i++) {
    const [want, have] = [expected[i]!, got[i]!];
    if (same(want, have) || Math.abs(want - have) <= limit) continue;
    fail(`${what}, element ${i}: expected ${want}, got ${have}`, { element: i, expected: want, got: have });
  }
}
