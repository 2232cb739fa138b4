import { readFileSync } from 'node:fs';
import { SgdError, type SGDOptions } from '@sgd/core';
import { type OrtTensors, type TrainingOptions, type TrainingSession, trainingSession } from '@sgd/onnxruntime';
import fc from 'fast-check';
import onnxProto from 'onnx-proto';
import { beforeAll, describe, expect, it } from 'vitest';
import { encode, type Field, joined } from '../src/protobuf.ts';
import { type Source, sourceOf } from '../src/source.ts';
import { loadOrt, tensorOf, type TestOrt } from './engines.ts';
import { batch, small, smallOptimizer } from './fixtures/small.mjs';

const { onnx } = onnxProto;
type Model = ReturnType<typeof onnx.ModelProto.decode>;
const bytes = new Uint8Array(readFileSync(new URL('fixtures/small.onnx', import.meta.url)));
const shapes = { hidden_weight: [8, 6], hidden_bias: [8], output_weight: [3, 8], output_bias: [3] };
const names = Object.keys(shapes) as (keyof typeof shapes)[];

/** The small model with some tensors of other names. */
function renamed(to: Readonly<Record<string, string>>): Uint8Array {
  const model = onnx.ModelProto.decode(bytes);
  const { node, input, output } = model.graph!;
  const other = (name: string): string => (Object.hasOwn(to, name) ? to[name]! : name);
  for (const each of node!) {
    each.input = each.input!.map(other);
    each.output = each.output!.map(other);
  }
  for (const each of [...input!, ...output!]) each.name = other(each.name!);
  return onnx.ModelProto.encode(model).finish();
}

/** The small model with its parameters in it, after some change. */
function filled(change: (model: Model) => void = () => {}): Uint8Array {
  const model = onnx.ModelProto.decode(bytes);
  model.graph!.initializer = names.map((name) =>
    onnx.TensorProto.create({ name, dims: shapes[name], dataType: 1, rawData: new Uint8Array(small()[name].buffer) }),
  );
  change(model);
  return onnx.ModelProto.encode(model).finish();
}

const base = { model: bytes, parameters: small(), loss: 'loss' };
/** What is made of a model, or why it is refused: nothing else than an `SgdError`, whose message is short. */
function read(more: object): Source | SgdError {
  try {
    return sourceOf({ ...base, ...more } as Parameters<typeof sourceOf>[0]);
  } catch (error) {
    if (error instanceof SgdError && error.code === 'SGD_INVALID_OPTION' && error.message.length < 1000) return error;
    throw error;
  }
}
const refusal = (more: object): string => String((read(more) as SgdError).message);

describe('a hostile model', () => {
  const tensor = (fields: object): ((model: Model) => void) => {
    return ({ graph }) => void Object.assign(graph!.initializer![1]!, fields);
  };
  it.each<[string, (model: Model) => void, RegExp]>([
    ['7 bytes of values', tensor({ rawData: new Uint8Array(7) }), /hidden_bias: expected 4 bytes .*\[8\], got 7/],
    ['too few values', tensor({ rawData: new Uint8Array(28) }), /hidden_bias: .*\[8\], got 28/],
    ['float64 in 12 bytes', tensor({ dataType: 11, rawData: new Uint8Array(12) }), /hidden_bias: expected 8 bytes/],
    ['no values', tensor({ rawData: new Uint8Array(0) }), /hidden_bias: .*got 0/],
    ['a negative length', tensor({ dims: [-8] }), /hidden_bias: .*got 32/],
    ['lengths whose product overflows', tensor({ dims: [2 ** 31, 2 ** 31, 2 ** 31] }), /hidden_bias/],
    ['a type that is not trained', tensor({ dataType: 7 }), /hidden_bias: .*ONNX type 7/],
  ])('with %s is refused, by the name of the parameter', (_name, change, message) => {
    expect(refusal({ model: filled(change), parameters: names })).toMatch(message);
  });

  it('with names of megabytes makes short messages', () => {
    const long = 'x'.repeat(2 ** 20);
    const model = filled(({ graph }) => {
      graph!.input!.push(onnx.ValueInfoProto.create({ name: long }));
      for (let i = 0; i < 1000; i++) graph!.initializer!.push(onnx.TensorProto.create({ name: `w${i}` }));
    });
    expect(refusal({ model, parameters: ['w'] })).toMatch(/the model has hidden_weight, .*…/);
    expect(refusal({ model, parameters: [long] })).toMatch(/^parameter x+…: it is an input without a value/);
    expect(refusal({ model, parameters: names, loss: long })).toMatch(/^loss x+…: no such output/);
  });

  it('whose seed is enormous is refused', () => {
    const model = onnx.ModelProto.decode(bytes);
    const seed = model.graph!.input!.find(({ name }) => name === 'adj_loss')!;
    seed.type!.tensorType!.shape!.dim = [{ dimValue: 2 ** 40 }];
    const wrong = refusal({ model: onnx.ModelProto.encode(model).finish() });
    expect(wrong).toMatch(/^seed adj_loss: expected at most \d+ elements/);
  });

  it('of graphs within graphs, each read again for the one around it, is refused', () => {
    let graph: Uint8Array = encode([[1, [[2, 'y']]]]);
    for (let level = 0; level < 60; level++) graph = encode([[1, [[5, [[6, graph]]]]]]);
    expect(refusal({ model: encode([[7, graph]]) })).toMatch(/graphs lie within graphs/);
  });

  const repeated = (...part: number[]): Uint8Array => {
    const all = new Uint8Array(Math.floor(20e6 / part.length) * part.length);
    for (let i = 0; i < all.length; i++) all[i] = part[i % part.length]!;
    return all;
  };
  const node: Field = [1, [[2, 'y']]];
  it.each<[string, () => Uint8Array]>([
    ['beside the graph', () => repeated(0x10, 1)],
    ['in the graph', () => encode([[7, repeated(0x12, 0, 0x6a, 0)]])],
    ['nodes', () => encode([[7, repeated(0x0a, 0)]])],
    ['nodes that give the same', () => encode([[7, repeated(0x0a, 3, 0x12, 1, 0x61)]])],
    ['names that a node reads', () => encode([[7, [[1, repeated(0x0a, 1, 0x61)]]]])],
    ['attributes', () => encode([[7, [[1, repeated(0x2a, 2, 0x32, 0)]]]])],
    ['initializers', () => encode([[7, repeated(0x2a, 0)]])],
    ['inputs', () => encode([[7, repeated(0x5a, 0)]])],
    [
      'lengths of an output',
      () =>
        encode([
          [
            7,
            [
              node,
              [
                12,
                [
                  [1, 'loss'],
                  [2, [[1, [[2, repeated(0x0a, 0)]]]]],
                ],
              ],
            ],
          ],
        ]),
    ],
    [
      'lengths of a parameter',
      () =>
        encode([
          [
            7,
            [
              node,
              [12, [[1, 'loss']]],
              [
                5,
                joined([
                  encode([
                    [8, 'w'],
                    [2, 1],
                  ]),
                  repeated(8, 1),
                ]),
              ],
            ],
          ],
        ]),
    ],
    ['digits of a number', () => repeated(0x80)],
  ])('of 20 MB is done with in time linear in its length: %s', { timeout: 120_000 }, (_name, make) => {
    const model = make();
    const start = performance.now();
    read({ model, parameters: ['w'] });
    // 12 s and more before, on an idle machine; half a second to two now
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

describe('what else is given', () => {
  it.each<[string, object, RegExp]>([
    ['no parameters', { parameters: null }, /^parameters: expected names, .*null/],
    ['a number for parameters', { parameters: 5 }, /^parameters: .*got 5/],
    ['a number for a name', { parameters: [5] }, /^parameter 5/],
    ['a symbol for a name', { parameters: [Symbol('w')] }, /^parameter a symbol/],
    ['an empty name', { parameters: [''] }, /^parameter : expected a name/],
    ['a name twice', { parameters: ['hidden_bias', 'hidden_bias'], model: filled() }, /hidden_bias: it is given twice/],
    ['a name that all objects have', { parameters: ['constructor'] }, /^parameter constructor: no such initializer/],
    ['another one', { parameters: ['toString'], gradients: {} }, /^parameter toString: no such/],
    ['the prototype', { parameters: ['__proto__'] }, /^parameter __proto__: expected a name/],
    ['a number for values', { parameters: { hidden_bias: 5 } }, /hidden_bias: expected a Float32Array.* got number/],
    ['null for values', { parameters: { hidden_bias: null } }, /hidden_bias: expected a Float32Array/],
    ['integers for values', { parameters: { hidden_bias: new Int32Array(8) } }, /hidden_bias: .*got Int32Array/],
    ['values without a shape', { parameters: { hidden_bias: { data: new Float32Array(8) } } }, /hidden_bias: expected/],
    ['a gradient that is none', { gradients: { hidden_bias: null } }, /gradient null of hidden_bias/],
    ['no model', { model: null }, /^model: .*no Uint8Array/],
    ['a buffer for a model', { model: bytes.buffer }, /^model: .*no Uint8Array/],
    ['a text for a model', { model: 'small.onnx' }, /^model: .*no Uint8Array/],
    ['a loss that is none', { loss: null }, /^loss null/],
    ['a parameter as the seed', { seed: 'hidden_bias' }, /^seed hidden_bias: it is a parameter/],
  ])('is refused, by name: %s', (_name, more, message) => expect(refusal(more)).toMatch(message));

  it('may be null where there is a default', () => {
    expect(read({ gradients: null, seed: undefined })).not.toBeInstanceOf(SgdError);
  });
});

describe('a model whose bytes were changed', () => {
  const good = new Uint8Array(filled());
  const changes = fc.array(
    fc.oneof(
      fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) }),
      // where the structure is, not the values
      fc.record({ at: fc.nat(200), byte: fc.nat(255) }),
      fc.record({ at: fc.integer({ min: good.length - 1200, max: good.length - 1 }), byte: fc.nat(255) }),
    ),
    { minLength: 1, maxLength: 4 },
  );
  const cut = fc.oneof({ weight: 9, arbitrary: fc.constant(good.length) }, fc.nat(good.length));

  /** What a library reads that would write the same; others it reads more or less strictly than we do. */
  const graphOf = (model: Uint8Array): Model['graph'] => {
    try {
      const decoded = onnx.ModelProto.decode(model);
      return Buffer.compare(onnx.ModelProto.encode(decoded).finish(), model) === 0 ? decoded.graph : undefined;
    } catch {
      return undefined;
    }
  };

  it('is refused, or read as a library reads it', () => {
    let compared = 0;
    fc.assert(
      fc.property(changes, cut, (all, length) => {
        const model = good.slice(0, length);
        for (const { at, byte } of all) if (at < length) model[at] = byte;
        const source = read({ model, parameters: names });
        if (source instanceof SgdError) return;
        for (const { data, shape } of source.parameters)
          expect(data.length).toBe(shape.reduce((size, n) => size * n, 1));
        const graph = graphOf(model);
        if (!graph) return;
        compared++;
        expect([...source.parsed.inputs.keys()]).toEqual(graph!.input!.map(({ name }) => name));
        expect([...source.parsed.outputs.keys()]).toEqual(graph!.output!.map(({ name }) => name));
        expect(source.parsed.nodes.map(({ gives }) => gives)).toEqual(graph!.node!.map(({ output }) => output));
        for (const { name, data, dtype } of source.parameters) {
          const { rawData, floatData, dataType } = graph!.initializer!.findLast((each) => each.name === name)!;
          expect(dataType).toBe(dtype === 'float32' ? 1 : 11);
          const raw =
            rawData!.length > 0 ? new Uint8Array(rawData!) : new Uint8Array(Float32Array.from(floatData!).buffer);
          expect(new Uint8Array(data.buffer)).toEqual(raw);
        }
      }),
      { numRuns: 1500 },
    );
    expect(compared).toBeGreaterThan(50);
  });

  it('of any bytes is refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (model) => read({ model }) instanceof SgdError));
  });
});

describe('in a session', () => {
  let ort: TestOrt;
  beforeAll(async () => {
    ort = await loadOrt('node');
  });
  const feeds = (step: number, images = 'images'): OrtTensors => {
    const given = batch(step);
    return { [images]: tensorOf(ort, given.images, [16, 6]), labels: tensorOf(ort, given.labels, [16, 3]) };
  };
  const open = (more: Partial<TrainingOptions> = {}): Promise<TrainingSession> =>
    trainingSession({ ort, optimizer: smallOptimizer, ...base, ...more });
  const failure = async (call: () => unknown): Promise<SgdError> => {
    const error = await Promise.resolve()
      .then(call)
      .then(
        () => new Error('nothing was thrown'),
        (each: unknown) => each,
      );
    if (error instanceof SgdError) return error;
    throw error;
  };

  it('what is no record of inputs, or no list of outputs, is refused', async () => {
    const training = await open();
    for (const given of [null, undefined, 5, 'images', () => {}]) {
      const error = await failure(() => training.step(given as never));
      expect([error.code, error.message]).toEqual(['SGD_INVALID_OPTION', expect.stringMatching(/^input/)]);
    }
    for (const given of [null, 'loss', 5, {}]) {
      for (const call of [
        () => training.step(feeds(0), given as never),
        () => training.exportModel((given ?? 5) as never),
      ]) {
        const error = await failure(call);
        expect([error.code, error.message]).toEqual(['SGD_INVALID_OPTION', expect.stringMatching(/^output/)]);
      }
    }
    await training.dispose();
  });

  it('an input that all objects have must be given, too', async () => {
    const training = await open({ model: renamed({ images: 'constructor' }) });
    const { labels } = feeds(0);
    const error = await failure(() => training.step({ labels: labels! }));
    expect([error.code, error.message]).toEqual(['SGD_INVALID_OPTION', expect.stringMatching(/^input constructor/)]);
    expect((await training.step(feeds(0, 'constructor'))).taken).toBe(true);
    await training.dispose();
  });

  it.each(['constructor', 'toString', '7'])('a parameter may be called %s, and is the same otherwise', async (name) => {
    const model = renamed({ hidden_bias: name, adj_hidden_bias: `adj_${name}` });
    const { hidden_bias: bias, ...others } = small();
    const [one, other] = [await open(), await open({ model, parameters: { ...others, [name]: bias } })];
    for (let step = 0; step < 3; step++)
      expect((await other.step(feeds(step))).loss).toBe((await one.step(feeds(step))).loss);
    const [expected, got] = [await one.read(), await other.read()];
    expect(got[name]).toEqual(expected['hidden_bias']);
    expect(got['output_weight']).toEqual(expected['output_weight']);
    const { slots } = await other.optimizer.getState();
    expect(slots[name]!.momentum).toEqual((await one.optimizer.getState()).slots['hidden_bias']!.momentum);
    for (const each of [one, other]) await each.dispose();
  });

  const everything: SGDOptions = { momentum: 0.9, useEma: true, gradientAccumulationSteps: 2, globalClipnorm: 1 };
  it.each<[string, string, string, RegExp]>([
    [
      'momentum',
      'images',
      'hidden_bias.momentum',
      /^input hidden_bias.momentum .*the momentum of the parameter hidden_bias/,
    ],
    [
      'an accumulator',
      'labels',
      'output_bias.gradient_accumulator',
      /^input .*the gradient_accumulator of the parameter output_bias/,
    ],
    ['an average', 'images', 'hidden_bias.average', /^input .*the average of the parameter hidden_bias/],
    ['the next value', 'logits', 'hidden_bias.next', /^output .*the next value of the parameter hidden_bias/],
    [
      'the next momentum',
      'logits',
      'hidden_bias.momentum.next',
      /^output .*the next momentum of the parameter hidden_bias/,
    ],
    ['a number of the step', 'images', 'sgd.learning_rate', /^input sgd.learning_rate .*for the update/],
    ['a tensor of the update', 'logits', 'sgd.0', /^output sgd.0 .*for the update/],
    ['a tensor of the update, by one inside', 'inside', 'sgd.1', /^tensor sgd.1 .*for the update/],
    ['a parameter', 'output_bias', 'hidden_bias.momentum', /the momentum of the parameter hidden_bias/],
  ])('a tensor that has the name of %s is refused, both named', async (_name, from, to, message) => {
    const [hidden] = onnx.ModelProto.decode(bytes).graph!.node![0]!.output!;
    const name = from === 'inside' ? hidden! : from;
    const model = renamed({ [name]: to });
    const { [name as 'output_bias']: value, ...others } = small();
    const parameters = value ? { ...others, [to]: value } : small();
    const gradients = value ? { [to]: `adj_${name}` } : {};
    const error = await failure(() => open({ model, parameters, gradients, optimizer: everything }));
    expect([error.code, error.message]).toEqual(['SGD_INVALID_OPTION', expect.stringMatching(message)]);
    expect(error.message).toContain(to);
  });

  it('the name of a slot that is not there is free', async () => {
    const model = renamed({ images: 'hidden_bias.momentum', logits: 'hidden_bias.average' });
    const [one, other] = [
      await open({ optimizer: { learningRate: 0.1 } }),
      await open({ model, optimizer: { learningRate: 0.1 } }),
    ];
    for (let step = 0; step < 2; step++) {
      await one.step(feeds(step));
      await other.step(feeds(step, 'hidden_bias.momentum'));
    }
    expect(await other.read()).toEqual(await one.read());
    for (const each of [one, other]) await each.dispose();
  });
});
