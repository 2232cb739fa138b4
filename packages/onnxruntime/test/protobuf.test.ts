import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { program, variable } from '../../../tests/support/programs.ts';
import { gpuModel, hostModel, needs } from '../src/models.ts';
import { parse } from '../src/parse.ts';
import { encode, type Field, joined } from '../src/protobuf.ts';
import { scan } from '../src/scan.ts';
import { sgdProgram } from '../src/sgd-program.ts';
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
  .map((options) => sgdProgram(program([weight], options)));

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
    fc.assert(
      fc.property(programs, fc.boolean(), fc.boolean(), (program, onGpu, wide) => {
        for (const kind of needs(program)) {
          const made = onGpu ? gpuModel(kind, program) : hostModel(kind, program, wide ? 'float64' : 'float32', true);
          const { graph, opsetImport } = onnx.ModelProto.decode(made.bytes);
          expect(opsetImport!.map(({ version }) => Number(version))).toEqual([17]);
          expect(graph!.input!.map(({ name }) => name)).toEqual([...made.arrays, ...made.numbers]);
          expect(new Set(graph!.output!.map(({ name }) => name))).toEqual(new Set(made.outputs));
          const known = new Set([...graph!.input!, ...graph!.initializer!].map(({ name }) => name));
          for (const { input, output, opType } of graph!.node!) {
            for (const name of input!) expect(known, `${opType} of ${name}`).toContain(name);
            for (const name of output!) known.add(name);
          }
          for (const name of made.outputs) expect(known).toContain(name);
          const parsed = parse(made.bytes);
          expect([...parsed.inputs.keys()]).toEqual([...made.arrays, ...made.numbers]);
          expect(parsed.nodes.map(({ reads }) => reads)).toEqual(graph!.node!.map(({ input }) => input));
        }
      }),
    );
  });

  it.each(['node', 'wasm'])('pass the checker of ONNX Runtime: %s', async (variant) => {
    const ort = await loadOrt(variant);
    await fc.assert(
      fc.asyncProperty(programs, fc.boolean(), async (program, wide) => {
        for (const kind of needs(program)) {
          for (const { bytes, arrays, numbers, outputs } of [
            hostModel(kind, program, wide ? 'float64' : 'float32', true),
            gpuModel(kind, program),
          ]) {
            const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
            expect(session.inputNames).toEqual([...arrays, ...numbers]);
            expect([...session.outputNames].sort()).toEqual([...outputs].sort());
            await session.release();
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it('are small', () => {
    const program = fc.sample(programs, 200);
    const sizes = program.flatMap((each) =>
      needs(each).map((kind) => hostModel(kind, each, 'float32', true).bytes.length),
    );
    expect(Math.max(...sizes)).toBeLessThan(1200);
  });
});
