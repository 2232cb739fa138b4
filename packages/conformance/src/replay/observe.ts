import { sizeOf } from '@sgd/core/engine';
import {
  deserializeSchedule,
  type Constraint,
  type FloatArray,
  type LossScaleOptimizer,
  nonNegative,
  serialize,
} from '@sgd/core';
import { type AnyBackend, type AnyOptimizer, tensor } from '../backend.ts';
import {
  type GoldenNumber,
  type GoldenStep,
  type SerializedObject,
  toNumber,
  type TrajectoryCase,
  withNumbers,
} from '../goldens/format.ts';
import { show } from '../failure.ts';
import { codeOf, errorOf } from '../refusals.ts';
import { finalizeFirst, inApply, inConstruction } from './differences.ts';
import { makeOptimizer } from './make.ts';
import type { Observed, ObservedState } from './observed.ts';

/** The type that a case is recorded in, where it is one of ours. */
type Recorded = 'float32' | 'float64';

/** Runs a case to its end, or to the point where we refuse what Keras lets slip. */
export async function observe(test: TrajectoryCase, backend: AnyBackend): Promise<Observed> {
  return new Replay(test, backend).run();
}

class Replay {
  readonly #test: TrajectoryCase;
  readonly #backend: AnyBackend;
  readonly #states = new Map<number, ObservedState>();
  readonly #complaints: { step?: number; field: string; message: string }[] = [];
  #ended: Observed['ended'] = null;
  #warned: readonly string[] | undefined;
  #optimizer!: AnyOptimizer;
  readonly #recorded: ReadonlySet<number>;
  /** Keys of the variables: their paths, or where a path comes twice (or is a number, which records put first, or a prototype) one of its own. */
  readonly #keys: readonly string[];

  constructor(test: TrajectoryCase, backend: AnyBackend) {
    this.#test = test;
    const taken = new Set<string>();
    this.#keys = test.variables.map(({ path }, i) => {
      const own = taken.has(path) || /^(?:\d+|__proto__)$/.test(path);
      taken.add(path);
      return own ? `again${i}/${path}` : path;
    });
    this.#backend = backend;
    this.#recorded = new Set(test.expect.map(({ step }) => step));
  }

  async run(): Promise<Observed> {
    const refused = inConstruction.find(({ applies }) => applies(this.#test.optimizer));
    if (refused) {
      await this.#refused('construction', refused, () => this.#construct());
      return this.#result(null, null, null);
    }
    this.#construct();
    const optimizer = this.#optimizer;
    const serialized: unknown = serialize(optimizer);
    const handles = this.#test.variables.map(({ values, shape, path }) =>
      this.#backend.variable(tensor(values.map(toNumber), shape, this.#test.dtype as Recorded, path)),
    );
    await this.#build(handles);
    for (const [index, step] of this.#test.steps.entries()) {
      await this.#step(step, index);
      if (this.#ended) break;
    }
    const final = this.#ended ? null : await this.#finish();
    const variables = this.#ended === null || this.#ended.step === 'final' ? this.#optimizerVariables() : null;
    const last = [...optimizer.trainableVariables];
    await optimizer.dispose();
    for (const handle of last) this.#backend.free(handle);
    return this.#result(serialized, final, variables);
  }

  #result(serialized: unknown, final: Observed['final'], optimizerVariables: Observed['optimizerVariables']): Observed {
    return {
      serialized,
      states: this.#states,
      final,
      optimizerVariables,
      ended: this.#ended,
      complaints: this.#complaints,
    };
  }

  #construct(): void {
    this.#optimizer = makeOptimizer(this.#test.optimizer, this.#backend, (_message, { code, paths }) => {
      if (code === 'SGD_MISSING_GRADIENTS') this.#warned = paths.map((path) => this.#pathOf(path));
    });
  }

  /** The golden path of one of our keys. */
  #pathOf(key: string): string {
    return this.#test.variables[this.#keys.indexOf(key)]?.path ?? key;
  }

  /** The optimizer's variables, under the names that they have with the golden paths. */
  #optimizerVariables(): unknown[] {
    const slug = (path: string): string => `/${path.replaceAll('/', '_')}_`;
    return this.#optimizer.variables.map((variable) => {
      const key = this.#keys.find((own) => own !== this.#pathOf(own) && variable.path.includes(slug(own)));
      return key === undefined
        ? variable
        : { ...variable, path: variable.path.replace(slug(key), slug(this.#pathOf(key))) };
    });
  }

  #complain(field: string, message: string, step?: number): void {
    this.#complaints.push({ ...(step === undefined ? {} : { step }), field, message });
  }

  async #build(handles: unknown[]): Promise<void> {
    const { variables, excludeFromWeightDecay } = this.#test;
    const keys = this.#keys;
    if (excludeFromWeightDecay) {
      const { varNames = [], varList = [] } = excludeFromWeightDecay;
      this.#optimizer.excludeFromWeightDecay({ names: varNames, variables: varList.map((index) => handles[index]) });
    }
    const constraints: Record<string, Constraint> = {};
    for (const [i, { constraint }] of variables.entries()) {
      if (!constraint) continue;
      if (constraint !== 'nonneg') throw new Error(`constraint ${show(constraint)} is not in the format`);
      constraints[keys[i]!] = nonNegative;
    }
    const overwriteWithGradient = keys.filter((_, i) => variables[i]!.overwriteWithGradient);
    await this.#optimizer.build(Object.fromEntries(keys.map((key, i) => [key, handles[i]])), {
      overwriteWithGradient,
      constraints,
    });
    const built = this.#optimizer.trainablePaths;
    if (JSON.stringify(built) !== JSON.stringify(keys))
      this.#complain('trainablePaths', `expected ${show(keys)}, got ${show(built)}`);
  }

  /** Asserts a refusal that is a documented difference, and ends the replay. */
  async #refused(
    step: number | 'construction' | 'final',
    difference: { name: string; reason: string; code: string },
    call: () => unknown,
  ): Promise<void> {
    const error = await errorOf(call);
    const code = error === undefined ? 'nothing' : (codeOf(error) ?? show(error));
    const right = code === difference.code || (step === 'construction' && code === 'SGD_INVALID_CONFIG');
    if (!right) {
      const message = `${difference.name}: expected the refusal ${difference.code}, got ${code}`;
      this.#complain('refusal', message, typeof step === 'number' ? step : undefined);
    }
    this.#ended = { step, why: `${difference.name}: ${difference.reason}` };
  }

  async #step(step: GoldenStep, index: number): Promise<void> {
    const optimizer = this.#optimizer;
    if (step.finalize && !(await this.#finalize(index))) return;
    if (step.setLearningRate !== undefined) await this.#setLearningRate(step, index);
    const learningRateUsed = optimizer.learningRate;
    this.#warned = undefined;
    if (step.grads !== undefined) {
      const difference = inApply.find(({ applies }) => applies(step, this.#test));
      if (difference) return this.#refused(index, difference, () => this.#apply(step, index));
      await this.#applyExpecting(step, index);
    }
    if (this.#recorded.has(index)) this.#states.set(index, await this.#read(learningRateUsed));
    else if (this.#warned) this.#states.set(index, { ...emptyState, warned: this.#warned });
  }

  /** False when it was refused, rightly. */
  async #finalize(step: number | 'final'): Promise<boolean> {
    const { useEma } = this.#options();
    const { iterations } = await this.#optimizer.getState();
    if (useEma && iterations === 0) {
      await this.#refused(step, finalizeFirst, () => this.#optimizer.finalizeVariableValues());
      return false;
    }
    await this.#optimizer.finalizeVariableValues();
    return true;
  }

  #options(): { useEma: boolean } {
    const inner = (this.#optimizer as LossScaleOptimizer<unknown, unknown, AnyBackend['mode']>).inner as
      | { getConfig(): { useEma: boolean } }
      | undefined;
    return (inner ?? (this.#optimizer as unknown as { getConfig(): { useEma: boolean } })).getConfig();
  }

  async #setLearningRate({ setLearningRate: rate, setError }: GoldenStep, index: number): Promise<void> {
    const next =
      typeof rate === 'object'
        ? deserializeSchedule(withNumbers(rate) as SerializedObject)
        : toNumber(rate as GoldenNumber);
    const error = await errorOf(() => {
      this.#optimizer.learningRate = next;
    });
    if (setError === undefined && error !== undefined) throw error;
    if (setError !== undefined && codeOf(error) === undefined)
      this.#complain(
        'setLearningRate',
        `expected an SgdError (Keras: ${setError}), got ${error === undefined ? 'none' : show(error)}`,
        index,
      );
  }

  async #applyExpecting(step: GoldenStep, index: number): Promise<void> {
    if (step.expectError === undefined) {
      const taken = await this.#apply(step, index);
      const finite = !('dynamicScale' in this.#optimizer) || isFinite(step);
      if (taken !== finite) this.#complain('apply', `returned ${show(taken)}, expected ${String(finite)}`, index);
      return;
    }
    const error = await errorOf(() => this.#apply(step, index));
    if (codeOf(error) === undefined)
      this.#complain(
        'apply',
        `expected an SgdError (Keras: ${step.expectError}), got ${error === undefined ? 'none' : show(error)}`,
        index,
      );
  }

  /** The four ways to name variables take turns: by handle, by path, pairs, and a record for whole steps. */
  async #apply({ grads = [], vars }: GoldenStep, index: number): Promise<boolean> {
    const { variables, dtype } = this.#test;
    const optimizer = this.#optimizer;
    const gradients = grads.map((values, j) => {
      if (values === null) return null;
      const shape = variables[vars?.[j] ?? j]?.shape ?? [];
      return this.#backend.gradient(
        tensor(values.map(toNumber), sizeOf(shape) === values.length ? shape : [values.length], dtype as Recorded),
      );
    });
    const handles = vars?.map((i) => optimizer.trainableVariables[i]);
    const paths = vars?.map((i) => this.#keys[i]!);
    const call = (): boolean | Promise<boolean> => {
      if (!handles || !paths) {
        if (index % 2 === 0 || gradients.length !== variables.length) return optimizer.apply(gradients);
        return optimizer.apply(Object.fromEntries(gradients.map((gradient, i) => [this.#keys[i]!, gradient])));
      }
      if (index % 3 === 2 && gradients.length === paths.length)
        return optimizer.applyGradients(gradients.map((gradient, j) => [gradient, handles[j]] as const));
      return optimizer.apply(gradients, index % 3 === 0 ? handles : paths);
    };
    try {
      return await call();
    } finally {
      for (const gradient of gradients) if (gradient !== null) this.#backend.free(gradient);
    }
  }

  async #read(learningRateUsed: number): Promise<ObservedState> {
    const optimizer = this.#optimizer;
    const { slots, iterations: rawIterations, lossScale } = await optimizer.getState();
    const values = await optimizer.readAll();
    return {
      learningRateUsed,
      learningRate: optimizer.learningRate,
      iterations: optimizer.iterations,
      rawIterations,
      variables: this.#keys.map((key) => values[key]!),
      slots: this.#keys.map((key) => slots[key] ?? {}),
      ...lossScale,
      ...(this.#warned ? { warned: this.#warned } : {}),
    };
  }

  async #finish(): Promise<readonly FloatArray[] | null> {
    if (!this.#test.final) return null;
    if (!(await this.#finalize('final'))) return null;
    const values = await this.#optimizer.readAll();
    return this.#keys.map((key) => values[key]!);
  }
}

const emptyState: ObservedState = {
  learningRateUsed: NaN,
  learningRate: NaN,
  iterations: 0,
  rawIterations: 0,
  variables: [],
  slots: [],
};

function isFinite({ grads = [] }: GoldenStep): boolean {
  return grads.every((values) => values === null || values.every((x) => Number.isFinite(toNumber(x))));
}
