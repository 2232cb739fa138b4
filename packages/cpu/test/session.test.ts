import type { ProgramVariable } from '@sgd/core';
import { cpu, type CpuVariable } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { detach, failure, program, update, variable } from '../../../tests/support/programs.ts';

describe('variables', () => {
  it.each<[string, (values: number[]) => CpuVariable & { data?: Float32Array }]>([
    ['bare', (values) => new Float32Array(values) as CpuVariable & { data?: Float32Array }],
    ['with a shape', (values) => ({ data: new Float32Array(values), shape: [values.length] })],
    [
      'on shared memory',
      (values) => {
        const data = new Float32Array(new SharedArrayBuffer(4 * values.length));
        data.set(values);
        return data as CpuVariable & { data?: Float32Array };
      },
    ],
    [
      'a view into a larger buffer',
      (values) => {
        const data = new Float32Array(10).subarray(3, 3 + values.length);
        data.set(values);
        return data as CpuVariable & { data?: Float32Array };
      },
    ],
  ])('%s are updated in place', (_name, make) => {
    const w = make([1, 2]);
    const session = cpu().open(program([variable(2)]), [w]);
    session.step(update, [new Float32Array([2, 4])], [0]);
    expect(Array.from(w.data ?? (w as Float32Array))).toEqual([0, 0]);
    expect(session.variables[0]).toBe(w);
  });

  it('that overlap are refused, by name', async () => {
    const memory = new Float32Array(8);
    const two = program([variable(4, { path: 'a' }), variable(4, { path: 'b' })]);
    for (const [from, to] of [
      [0, 4],
      [3, 7],
      [0, 4],
    ] as const) {
      const error = await failure(() => cpu().open(two, [memory.subarray(0, 4), memory.subarray(from, to)]));
      expect(error.code).toBe('SGD_INVALID_OPTION');
      expect(error.message).toContain('"b"');
    }
    expect(() => cpu().open(two, [memory.subarray(4, 8), memory.subarray(0, 4)])).not.toThrow();
  });

  it('of no elements do not overlap anything', () => {
    const memory = new Float32Array(4);
    const made = program([variable(4, { path: 'a' }), variable(0, { path: 'b' })]);
    expect(() => cpu().open(made, [memory, memory.subarray(2, 2)])).not.toThrow();
  });

  it('whose memory was detached stop a step before anything is written', async () => {
    const a = new Float32Array([1, 2]);
    const b = new Float32Array([3]);
    const session = cpu().open(program([variable(2), variable(1, { path: 'bias' })]), [a, b]);
    detach(b);
    const gradients = [new Float32Array([1, 1]), new Float32Array([1])];
    for (const call of [
      () => session.step(update, gradients, [0, 1]),
      () => session.step(update, gradients.slice(0, 1), [0]),
      () => session.read([{ slot: 'variable', index: 0 }]),
      () => session.write([{ slot: 'variable', index: 0, values: new Float32Array(2) }]),
    ]) {
      const error = await failure(call);
      expect(error.code).toBe('SGD_DETACHED');
      expect(error.message).toContain('"bias"');
    }
    expect(Array.from(a)).toEqual([1, 2]);
  });

  it('of a buffer that shrank count as gone', async () => {
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & {
      resize(length: number): void;
    };
    const buffer = new Resizable(16, { maxByteLength: 16 });
    const session = cpu().open(program([variable(4)]), [new Float32Array(buffer)]);
    buffer.resize(8);
    expect((await failure(() => session.step(update, [new Float32Array(4)], [0]))).code).toBe('SGD_DETACHED');
  });
});

describe('a gradient', () => {
  // ten numbers with two variables of four in them, and a variable elsewhere
  const arena = new Float32Array(12);
  const arrays = [arena.subarray(0, 4), arena.subarray(6, 10), new Float32Array([1]), new Float32Array(0)];
  const made = program(arrays.map((x, i) => variable(x.length, { path: `v${i}` })));

  it.each<[string, Float32Array, number]>([
    ['the variable itself', arrays[0]!, 0],
    ['a view of it', arena.subarray(0, 4), 0],
    ['the end of it', arena.subarray(3, 7), 0],
    ['a piece of another variable', arena.subarray(9, 10), 2],
    ['another variable', arrays[1]!, 0],
    ['another variable that has a buffer of its own', new Float32Array(arrays[2]!.buffer), 2],
  ])('on memory of a variable stops the step: %s', async (_name, gradient, index) => {
    const session = cpu().open(made, arrays);
    const before = arrays.map((x) => Array.from(x));
    const other = index === 0 ? 2 : 0;
    const good = new Float32Array(arrays[other]!.length).fill(1);
    for (let again = 0; again < 2; again++) {
      const error = await failure(() => session.step(update, [good, gradient], [other, index]));
      expect(error.code).toBe('SGD_GRADIENT_SHAPE');
      expect(error.message).toContain(`"v${index}" shares memory`);
    }
    expect(arrays.map((x) => Array.from(x))).toEqual(before);
  });

  it.each<[string, Float32Array, number]>([
    ['beside the variables', arena.subarray(10, 11), 2],
    ['between two of them', arena.subarray(4, 5), 2],
    ['of no elements in the midst of one', arena.subarray(2, 2), 3],
  ])('in the same buffer may lie %s', (_name, gradient, index) => {
    expect(cpu().open(made, arrays).step(update, [gradient], [index])).toBe(true);
  });

  it('may be memory of another optimizer, and of a longer one', () => {
    const w = new Float32Array(100);
    const other = new Float32Array(100);
    cpu().open(program([variable(100)]), [other]);
    expect(
      cpu()
        .open(program([variable(100)]), [w])
        .step(update, [other], [0]),
    ).toBe(true);
  });

  it.each([64, 65])('of %i elements on the variable is found after a good one', async (length) => {
    const w = new Float32Array(length);
    const session = cpu().open(program([variable(length)]), [w]);
    session.step(update, [new Float32Array(length)], [0]);
    expect((await failure(() => session.step(update, [w.subarray()], [0]))).code).toBe('SGD_GRADIENT_SHAPE');
  });
});

describe('variables without a gradient in a step', () => {
  const keeps = ['gradient_accumulator', 'average'] as const;

  it('lose what they accumulated in an updating step, and are averaged in every one', async () => {
    const arrays = [new Float32Array([1]), new Float32Array([2]), new Float32Array([3])];
    const made = program([variable(1), variable(1), variable(1, { overwrites: true })], { keeps });
    const session = cpu().open(made, arrays);
    const step = { ...update, accumulationSteps: 2 };
    const one = new Float32Array([1]);
    const read = async (slot: 'gradient_accumulator' | 'average', index: number): Promise<number> =>
      (await session.read([{ slot, index }]))[0]![0]!;
    session.step({ ...step, phase: 'accumulate' }, [one, one], [1, 2]);
    expect([
      await read('gradient_accumulator', 0),
      await read('gradient_accumulator', 1),
      await read('gradient_accumulator', 2),
    ]).toEqual([0, 1, 1]);
    expect([await read('average', 0), await read('average', 1)]).toEqual([0.5, 1]);
    session.step(step, [one], [0]);
    expect([
      await read('gradient_accumulator', 0),
      await read('gradient_accumulator', 1),
      await read('gradient_accumulator', 2),
    ]).toEqual([0, 0, 0]);
    expect([await read('average', 0), await read('average', 1)]).toEqual([0.625, 1.5]);
    expect(arrays.map((x) => x[0])).toEqual([0.75, 2, 3]);
  });
});

describe('constraints', () => {
  it('see the array and its shape, after everything else', () => {
    const w = new Float32Array([1, -1, 1, -1]);
    const seen: unknown[] = [];
    const constraint: ProgramVariable['constraint'] = (data, shape) => {
      seen.push(data, shape, Array.from(data));
      data.fill(7);
    };
    const made = program([variable(4, { shape: [2, 2], constraint })], { keeps: ['average'] });
    cpu()
      .open(made, [w])
      .step({ ...update, averageMomentum: 0, averageOverwrite: true }, [new Float32Array([2, 2, 2, 2])], [0]);
    expect(seen).toEqual([w, [2, 2], [0, -2, 0, -2]]);
    expect(seen[0]).toBe(w);
    expect(Array.from(w)).toEqual([7, 7, 7, 7]);
  });

  it('that throw do so when all other work is done', () => {
    const constraint = (): void => {
      throw new RangeError('no');
    };
    const a = new Float32Array(1);
    const b = new Float32Array(1);
    const session = cpu().open(program([variable(1, { constraint }), variable(1)]), [a, b]);
    const one = new Float32Array([1]);
    expect(() => session.step(update, [one, one], [0, 1])).toThrow(RangeError);
    expect([a[0], b[0]]).toEqual([-0.5, -0.5]);
  });

  it('are not run for a variable without a gradient, nor for one that is overwritten', () => {
    const constraint: ProgramVariable['constraint'] = (data) => void data.fill(9);
    const arrays = [new Float32Array(1), new Float32Array(1), new Float32Array(1)];
    const made = program([variable(1), variable(1, { constraint }), variable(1, { constraint, overwrites: true })]);
    cpu()
      .open(made, arrays)
      .step(update, [new Float32Array(1), new Float32Array([3])], [0, 2]);
    expect(arrays.map((x) => x[0])).toEqual([0, 0, 3]);
  });
});

describe('read and write', () => {
  const keeps = ['momentum', 'gradient_accumulator', 'average'] as const;
  const opened = (): { w: Float32Array; session: ReturnType<ReturnType<typeof cpu>['open']> } => {
    const w = new Float32Array([1, 2]);
    const variables = [variable(2), variable(1, { path: 'scale', overwrites: true })];
    return { w, session: cpu().open(program(variables, { keeps }), [w, new Float32Array(1)]) };
  };

  it('copies, as of the call', async () => {
    const { w, session } = opened();
    const reading = session.read([
      { slot: 'variable', index: 0 },
      { slot: 'momentum', index: 0 },
    ]);
    session.step(update, [new Float32Array([2, 2])], [0]);
    const [before, momentum] = await reading;
    expect([...before!, ...momentum!]).toEqual([1, 2, 0, 0]);
    before!.fill(5);
    expect(Array.from(w)).toEqual([0, 1]);
  });

  it('copies in what is written', async () => {
    const { w, session } = opened();
    const values = new Float32Array([8, 9]);
    await session.write([
      { slot: 'variable', index: 0, values },
      { slot: 'momentum', index: 0, values },
    ]);
    values.fill(0);
    expect(Array.from(w)).toEqual([8, 9]);
    expect((await session.read([{ slot: 'momentum', index: 0 }]))[0]).toEqual(new Float32Array([8, 9]));
  });

  it('writes all or nothing', async () => {
    const { w, session } = opened();
    const good = { slot: 'variable', index: 0, values: new Float32Array([8, 9]) } as const;
    for (const bad of [
      { slot: 'momentum', index: 0, values: new Float32Array(3) },
      { slot: 'average', index: 0, values: new Float32Array(0) },
      { slot: 'momentum', index: 1, values: new Float32Array(1) },
      { slot: 'variable', index: 2, values: new Float32Array(1) },
    ] as const) {
      const error = await failure(() => session.write([good, bad]));
      expect(error.code).toBe('SGD_STATE_MISMATCH');
      expect(error.message).toContain(bad.slot);
    }
    expect(Array.from(w)).toEqual([1, 2]);
  });

  it.each(['momentum', 'average'] as const)('an overwriting variable has no %s', async (slot) => {
    expect((await failure(() => opened().session.read([{ slot, index: 1 }]))).code).toBe('SGD_STATE_MISMATCH');
  });
});

describe('averages', () => {
  it('are assigned, or change places with the variables', async () => {
    const w = new Float32Array([4]);
    const session = cpu().open(program([variable(1)], { keeps: ['average'] }), [w]);
    const average = async (): Promise<number> => (await session.read([{ slot: 'average', index: 0 }]))[0]![0]!;
    session.step(update, [new Float32Array([4])], [0]);
    expect([w[0], await average()]).toEqual([2, 1]);
    session.averages('swap');
    expect([w[0], await average()]).toEqual([1, 2]);
    session.averages('assign');
    expect([w[0], await average()]).toEqual([2, 2]);
  });

  it('leave an overwriting variable alone', () => {
    const arrays = [new Float32Array([4]), new Float32Array([5])];
    const made = program([variable(1), variable(1, { overwrites: true })], { keeps: ['average'] });
    cpu().open(made, arrays).averages('assign');
    expect(arrays.map((x) => x[0])).toEqual([0, 5]);
  });
});

describe('measured', () => {
  it('has what was asked for, of the last updating step', async () => {
    const made = program([variable(2), variable(1, { overwrites: true })], {
      keeps: ['gradient_accumulator'],
      finiteCheck: true,
      measure: new Set(['gradient-norm', 'update-norm']),
    });
    const session = cpu().open(made, [new Float32Array(2), new Float32Array(1)]);
    const step = { ...update, accumulationSteps: 2 };
    const g = [new Float32Array([6, 8])];
    expect(await session.measured?.()).toEqual({});
    session.step({ ...step, phase: 'accumulate' }, g, [0]);
    expect(await session.measured?.()).toEqual({});
    session.step(step, g, [0]);
    const figures = { gradientNorm: 10, updateNorm: 5 };
    expect(await session.measured?.()).toEqual(figures);
    session.step({ ...step, phase: 'accumulate' }, g, [0]);
    session.step(step, [new Float32Array([NaN, 1])], [0]);
    session.step({ ...step, ordinary: false }, [new Float32Array(1)], [1]);
    expect(await session.measured?.()).toEqual(figures);
  });

  it.each([
    ['gradient-norm', { gradientNorm: 5 }],
    ['update-norm', { updateNorm: 2.5 }],
  ] as const)('%s alone', async (name, figures) => {
    const session = cpu().open(program([variable(2)], { measure: new Set([name]) }), [new Float32Array(2)]);
    session.step(update, [new Float32Array([3, 4])], [0]);
    expect(await session.measured?.()).toEqual(figures);
  });
});

it("a disposed session has no slots, and the variables are the caller's", async () => {
  const w = new Float32Array([1, 2]);
  const session = cpu().open(program([variable(2)], { keeps: ['momentum'] }), [w]);
  session.dispose();
  expect((await failure(() => session.read([{ slot: 'momentum', index: 0 }]))).code).toBe('SGD_STATE_MISMATCH');
  expect(Array.from(w)).toEqual([1, 2]);
});
