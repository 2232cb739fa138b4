import type { DType, Program } from '@sgd/core';
import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { StepDefinition } from '@sgd/core/engine';
import { describe, expect, it } from 'vitest';
import { program, variable } from '../../../tests/support/programs.ts';
import { type GpuKernels, readModel, writeModel } from '../src/gpu-models.ts';
import { hostModel } from '../src/host-plan.ts';
import { parse } from '../src/parse.ts';
import { nextName, type PassModel, passesOf } from '../src/pass-model.ts';
import { encode, type Field, joined } from '../src/protobuf.ts';
import { scan } from '../src/scan.ts';
import { loadOrt } from './engines.ts';

const { onnx } = onnxProto;

const weight = variable(3, { decays: true });

const programs = fc
  .record({
    keeps: fc.subarray(['momentum', 'gradient_accumulator', 'average'] as const),
    nesterov: fc.boolean(),
    unscale: fc.boolean(),
    clip: fc.constantFrom('none', 'value', 'norm', 'global-norm' as const),
    finiteCheck: fc.boolean(),
    measure: fc.subarray(['gradient-norm', 'update-norm'] as const).map((all) => new Set(all)),
  })
  .map((options) => program([weight], options));

interface Made {
  readonly onHost: readonly PassModel[];
  readonly onGpu: readonly PassModel[];
}

/** All models of a program: for every situation, with and without a gradient. */
function modelsOf(made: Program, dtype: DType): Made {
  const definition = new StepDefinition(made);
  const { finiteCheck } = made;
  const onHost: PassModel[] = [];
  const onGpu: PassModel[] = [];
  for (const situation of definition.situations.all) {
    const squares = definition.squaredNorm(0, situation);
    const update = definition.update(0, situation);
    const isGiven = definition.situations.isGiven(situation);
    for (const kernel of squares === null ? [update] : [squares, update]) {
      for (const pass of passesOf(kernel, finiteCheck && isGiven)) {
        onHost.push(hostModel(kernel, pass, { dtype, isMixed: false, countsBad: finiteCheck && isGiven }));
        if (pass.sums.length > 0) onGpu.push(readModel(pass.sums, finiteCheck && isGiven));
      }
    }
    const norm = squares !== null && !finiteCheck ? { squares, factor: definition.clipFactor() } : null;
    const kernels = (
      isGiven
        ? [
            { update, missing: null, norm },
            { update, missing: update, norm },
          ]
        : [{ update: null, missing: update, norm: null }]
    ) satisfies Partial<GpuKernels>[];
    for (const each of kernels) {
      const model = writeModel({ ...each, countsBad: finiteCheck && isGiven }, true);
      if (model !== null) onGpu.push(model);
    }
  }
  return { onHost, onGpu };
}

const inputsOf = ({ tensors, numbers, columns }: PassModel): string[] =>
  [...tensors, ...numbers.map(({ name }) => name), ...columns].sort();

const outputsOf = ({ stores, figures }: PassModel): string[] => [...stores.map(nextName), ...figures].sort();

/** The fields of a message: of a varint the number, else the body; and the bytes of the field. */
function decode(bytes: Uint8Array): { number: number; value: number | Uint8Array; raw: Uint8Array }[] {
  const fields: ReturnType<typeof decode> = [];
  scan(bytes, ({ number, value, start, from, to }) =>
    fields.push({
      number,
      value: Number.isNaN(value) ? bytes.subarray(from, to) : value,
      raw: bytes.subarray(start, to),
    }),
  );
  return fields;
}

describe('encode', () => {
  it('is read by a library as it was written', () => {
    const text = fc.string({ unit: 'binary' });
    const large = fc.oneof(fc.nat(300), fc.nat(Number.MAX_SAFE_INTEGER));
    fc.assert(
      fc.property(text, large, fc.uint8Array({ maxLength: 400 }), fc.array(large), (name, dim, raw, dims) => {
        const tensor: Field[] = [...dims.map((each): Field => [1, each]), [8, name], [9, raw], [10, undefined]];
        const model = encode([
          [1, dim],
          [7, [[5, tensor]]],
        ]);
        const read = onnx.ModelProto.decode(model);
        expect(Number(read.irVersion)).toBe(dim);
        const [initializer] = read.graph!.initializer!;
        expect(initializer!.name).toBe(name);
        expect(initializer!.dims!.map(Number)).toEqual(dims);
        expect([...initializer!.rawData!]).toEqual([...raw]);
      }),
    );
  });

  it('gives what our own reader takes apart again, field by field', () => {
    const field = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.oneof(fc.maxSafeNat(), fc.uint8Array()));
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const bytes = encode(fields);
        const read = decode(bytes);
        expect(read.map(({ number, value }) => [number, value])).toEqual(fields);
        expect(joined(read.map(({ raw }) => raw))).toEqual(bytes);
      }),
    );
  });

  it('of a cut message is refused by the reader', () => {
    const bytes = encode([[1, new Uint8Array(200)]]);
    for (const length of [1, 2, 100, 202]) expect(() => decode(bytes.subarray(0, length))).toThrow(RangeError);
  });
});

describe('the models of a program', () => {
  it('are for a library what they are for us', () => {
    let count = 0;
    fc.assert(
      fc.property(programs, fc.constantFrom('float32', 'float64'), (made, dtype) => {
        const { onHost, onGpu } = modelsOf(made, dtype);
        for (const each of [...onHost, ...onGpu]) {
          count++;
          const { graph, opsetImport } = onnx.ModelProto.decode(each.bytes);
          expect(opsetImport!.map(({ version }) => Number(version))).toEqual([17]);
          expect(graph!.input!.map(({ name }) => name!).sort()).toEqual(inputsOf(each));
          expect(graph!.output!.map(({ name }) => name!).sort()).toEqual(outputsOf(each));
          const known = new Set([...graph!.input!, ...graph!.initializer!].map(({ name }) => name));
          for (const { input, output, opType } of graph!.node!) {
            for (const name of input!) expect(known, `${opType} of ${name}`).toContain(name);
            for (const name of output!) {
              expect(known, `${opType} gives ${name} again`).not.toContain(name);
              known.add(name);
            }
          }
          for (const name of outputsOf(each)) expect(known).toContain(name);
          const parsed = parse(each.bytes);
          expect([...parsed.inputs.keys()].sort()).toEqual(inputsOf(each));
          expect(parsed.nodes.map(({ reads }) => reads)).toEqual(graph!.node!.map(({ input }) => input));
        }
      }),
    );
    expect(count).toBeGreaterThan(500);
  });

  it.each(['node', 'wasm'])('pass the checker of ONNX Runtime: %s', async (variant) => {
    const ort = await loadOrt(variant);
    await fc.assert(
      fc.asyncProperty(programs, fc.constantFrom('float32', 'float64'), async (made, dtype) => {
        const { onHost, onGpu } = modelsOf(made, dtype);
        for (const each of [...onHost, ...onGpu]) {
          const session = await ort.InferenceSession.create(each.bytes, { logSeverityLevel: 3 });
          expect([...session.inputNames].sort()).toEqual(inputsOf(each));
          expect([...session.outputNames].sort()).toEqual(outputsOf(each));
          await session.release();
        }
      }),
      { numRuns: 25 },
    );
  });

  it('are small', () => {
    const sizes = fc
      .sample(programs, 200)
      .flatMap((made) => modelsOf(made, 'float32').onHost.map(({ bytes }) => bytes.length));
    expect(Math.max(...sizes)).toBeLessThan(1800);
  });
});
