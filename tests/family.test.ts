import { readdirSync, readFileSync } from 'node:fs';
import { type Backend, deserialize, deserializeSchedule, serialize } from '@sgd/core';
import cpu from '@sgd/cpu/conformance';
import gpujs from '@sgd/gpujs/conformance';
import onnxruntime from '@sgd/onnxruntime/conformance';
import tfjs from '@sgd/tfjs/conformance';
import wasm from '@sgd/wasm/conformance';
import { describe, expect, it } from 'vitest';
import {
  type GoldenNumber,
  type SerializedObject,
  toNumber,
  withNumbers,
} from '../packages/conformance/src/goldens/format.ts';
import { largestMagnitude, roundTo, ulpsBetween } from '../packages/conformance/src/numbers.ts';

// Recordings of the other optimizers of Keras 3.15.1. Each float32 number is Keras's to the bit; float64 is within what `pow` of two C libraries may differ.

interface FamilyCase {
  readonly id: string;
  readonly dtype: 'float32' | 'float64';
  readonly optimizer: SerializedObject;
  readonly serialized: SerializedObject;
  readonly excludeFromWeightDecay?: { readonly varNames?: readonly string[]; readonly varList?: readonly number[] };
  readonly variables: readonly {
    readonly path: string;
    readonly shape: readonly number[];
    readonly values: readonly GoldenNumber[];
  }[];
  readonly optimizerVariables: readonly object[];
  readonly steps: readonly {
    readonly grads: readonly (readonly GoldenNumber[] | null)[];
    readonly setLearningRate?: GoldenNumber | SerializedObject;
  }[];
  readonly expect: readonly {
    readonly step: number;
    readonly learningRateUsed: GoldenNumber;
    readonly iterations: number;
    readonly rawIterations: number;
    readonly variables: readonly (readonly GoldenNumber[])[];
    readonly state: Readonly<Record<string, readonly GoldenNumber[]>>;
    readonly dynamicScale?: GoldenNumber;
    readonly stepCounter?: number;
  }[];
  readonly final: { readonly variables: readonly (readonly GoldenNumber[])[] };
}

type AnyBackend = Backend<unknown, unknown>;

const folder = new URL('../packages/conformance/goldens/family/', import.meta.url);
// Nadam's product of all steps is a number that no optimizer here keeps yet
const files = readdirSync(folder).filter((name) => name.startsWith('family-') && name !== 'family-nadam.json');
const casesOf = (name: string): FamilyCase[] =>
  (JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { cases: FamilyCase[] }).cases;

/** What Keras finds by module has one in the recordings only at the top. */
function withModules(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, each]) => [key, withModules(each)]);
  const copy = Object.fromEntries(entries) as Record<string, unknown>;
  return 'class_name' in copy ? { module: 'keras.optimizers', registered_name: null, ...copy } : copy;
}

/** Whether a sum over elements is part of what is recorded. */
function sums({ optimizer }: FamilyCase): boolean {
  const { class_name: name, config } = (optimizer.config['inner_optimizer'] ?? optimizer) as SerializedObject;
  return name === 'Lamb' || config['clipnorm'] != null || config['global_clipnorm'] != null;
}

/** How far a number may be from the recorded one, by the largest one recorded with it. */
function closeness(test: FamilyCase, engine: string): number {
  // ONNX Runtime sums in float64
  if (test.dtype === 'float32') return engine.startsWith('onnxruntime') && sums(test) ? 2e-6 : 0;
  return 1e-15;
}

/** Runs a case, and compares all that is recorded. Returns how many numbers were compared. */
async function replay(test: FamilyCase, engine: string, backend: AnyBackend): Promise<number> {
  let compared = 0;
  const optimizer = deserialize(withModules(withNumbers(test.optimizer)), backend, { onWarning() {} })!;
  expect(serialize(optimizer), 'serialized').toEqual(withNumbers(test.serialized));
  const arrayOf = (values: readonly GoldenNumber[]): Float32Array | Float64Array =>
    test.dtype === 'float64' ? Float64Array.from(values, toNumber) : Float32Array.from(values, toNumber);
  const handles = test.variables.map(({ values, shape }) => backend.variable({ data: arrayOf(values), shape }));
  const { varNames = [], varList = [] } = test.excludeFromWeightDecay ?? {};
  optimizer.excludeFromWeightDecay({ names: varNames, variables: varList.map((i) => handles[i]) });
  await optimizer.build(Object.fromEntries(test.variables.map(({ path }, i) => [path, handles[i]])));
  expect(optimizer.variables, 'variables').toEqual(test.optimizerVariables);

  const compare = (what: string, got: ArrayLike<number>, recorded: readonly GoldenNumber[]): void => {
    const wanted = recorded.map((value) => roundTo(test.dtype, toNumber(value)));
    const largest = largestMagnitude(wanted);
    expect(got.length, what).toBe(wanted.length);
    compared += wanted.length;
    wanted.forEach((value, i) => {
      if (Object.is(value, got[i])) return;
      const isClose = Math.abs(value - got[i]!) <= closeness(test, engine) * largest;
      if (isClose || (value === 0 && got[i] === 0)) return;
      expect.fail(`${what}, ${i}: expected ${value}, got ${got[i]} (${ulpsBetween(value, got[i]!, test.dtype)} ulp)`);
    });
  };

  for (const [index, { grads, setLearningRate }] of test.steps.entries()) {
    if (setLearningRate !== undefined) {
      optimizer.learningRate =
        typeof setLearningRate === 'object' ? deserializeSchedule(setLearningRate) : toNumber(setLearningRate);
    }
    const rate = optimizer.learningRate;
    const gradients = grads.map((values, i) =>
      values === null ? null : backend.gradient({ data: arrayOf(values), shape: test.variables[i]!.shape }),
    );
    await optimizer.apply(gradients);
    for (const gradient of gradients) if (gradient !== null) backend.free(gradient);
    const wanted = test.expect.find(({ step }) => step === index);
    if (wanted === undefined) continue;
    const at = `${test.id}: step ${index}`;
    expect(Math.fround(toNumber(wanted.learningRateUsed)), at).toBe(rate);
    const { iterations: rawIterations, lossScale } = await optimizer.getState();
    expect([optimizer.iterations, rawIterations], at).toEqual([wanted.iterations, wanted.rawIterations]);
    expect([lossScale?.dynamicScale, lossScale?.stepCounter], at).toEqual([wanted.dynamicScale, wanted.stepCounter]);
    for (const [i, { path }] of test.variables.entries()) {
      compare(`${at}: ${path}`, await optimizer.read(path), wanted.variables[i]!);
    }
    for (const [path, values] of Object.entries(wanted.state)) {
      compare(`${at}: ${path}`, await optimizer.read(path), values);
    }
  }
  await optimizer.finalizeVariableValues();
  for (const [i, { path }] of test.variables.entries()) {
    compare(`${test.id}: final ${path}`, await optimizer.read(path), test.final.variables[i]!);
  }
  const last = [...optimizer.trainableVariables];
  await optimizer.dispose();
  for (const handle of last) backend.free(handle);
  return compared;
}

const engines: Readonly<Record<string, () => unknown>> = {
  cpu: () => cpu(),
  'cpu:jitless': () => cpu('jitless'),
  wasm: () => wasm(),
  'tfjs:cpu': () => tfjs('cpu'),
  'tfjs:wasm': () => tfjs('wasm'),
  'gpujs:cpu': () => gpujs('cpu'),
  'gpujs:webasm': () => gpujs('webasm'),
  'onnxruntime:node': () => onnxruntime('node'),
  'onnxruntime:wasm': () => onnxruntime('wasm'),
};

describe.each(Object.keys(engines))('Keras to the bit, but for sums in float64, on %s', (name) => {
  it.each(files)('%s', async (file) => {
    const backend = (await engines[name]!()) as AnyBackend;
    const cases = casesOf(file).filter(({ dtype }) => dtype === 'float32' || backend.supports.has('float64'));
    expect(cases.length).toBeGreaterThan(25);
    for (const test of cases) expect(await replay(test, name, backend), test.id).toBeGreaterThan(0);
  });
});
