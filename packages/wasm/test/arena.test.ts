import { SGD, SgdError } from '@sgd/core';
import { wasm, type WasmBackend, type WasmTensor } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';

const PAGE = 65536;

/** What a call throws. */
function failure(call: () => unknown): SgdError {
  try {
    call();
  } catch (error) {
    if (error instanceof SgdError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Bytes of an arena whose memory can't grow: the largest tensor that it has room for. */
function largest(backend: WasmBackend): number {
  let [low, high] = [0, 1 << 22];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    try {
      backend.free(backend.zeros([middle]));
      low = middle;
    } catch {
      high = middle - 1;
    }
  }
  return low;
}
const bounded = (): Promise<WasmBackend> => wasm({ reserve: 15 * PAGE, maximum: 16 * PAGE });

describe('tensors', () => {
  it('hold zeros, or a copy of values, with a shape and a name', async () => {
    const backend = await wasm();
    const values = new Float32Array([1, 2, 3, 4, 5, 6]);
    const kernel = backend.from(values, [2, 3], 'kernel');
    values.fill(0);
    expect([kernel.data, kernel.shape, kernel.name]).toEqual([new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3], 'kernel']);
    expect(backend.from([0.1]).data[0]).toBe(Math.fround(0.1));
    expect(backend.from([7], [])).toMatchObject({ shape: [], name: undefined });
    expect(backend.zeros([3, 0], 'nothing')).toMatchObject({
      data: new Float32Array(0),
      shape: [3, 0],
      name: 'nothing',
    });
    expect(backend.zeros([2])).toMatchObject({ data: new Float32Array(2), shape: [2] });
    expect(kernel.data).toBe(kernel.data);
  });

  it('are zero in memory that was used before', async () => {
    const backend = await wasm();
    const first = backend.from(new Float32Array(100).fill(5));
    const { byteOffset } = first.data;
    backend.free(first);
    const second = backend.zeros([100]);
    expect(second.data.byteOffset).toBe(byteOffset);
    expect(second.data.every((x) => x === 0)).toBe(true);
  });

  it('do not overlap, and begin at lines of the cache', async () => {
    const backend = await wasm();
    const spans = [0, 1, 15, 16, 17, 1023, 1024, 4096]
      .map((n) => backend.zeros([n]).data)
      .map(({ byteOffset, byteLength }) => [byteOffset, byteOffset + byteLength] as const);
    for (let i = 1; i < spans.length; i++) expect(spans[i]![0]).toBeGreaterThanOrEqual(spans[i - 1]![1]);
    for (const [from] of spans) expect(from % 64).toBe(0);
    // as large as a page, they begin at different places of one
    expect(spans[7]![0] % 4096).not.toBe(spans[6]![0] % 4096);
  });

  it.each<[string, unknown[], string]>([
    ['a negative length', [[-1]], 'SGD_INVALID_OPTION'],
    ['a broken length', [[1.5]], 'SGD_INVALID_OPTION'],
  ])('zeros refuses %s', async (_name, args, code) => {
    const backend = await wasm();
    expect(failure(() => backend.zeros(args[0] as number[])).code).toBe(code);
  });

  it('from refuses values that don’t fit the shape, and float64', async () => {
    const backend = await wasm();
    const wrong = failure(() => backend.from([1, 2, 3], [2, 2]));
    expect([wrong.code, wrong.message]).toEqual(['SGD_INVALID_OPTION', expect.stringMatching(/\[2,2\].*3 values/)]);
    const refused = { code: 'SGD_UNSUPPORTED', message: expect.stringContaining('expected float32, got float64') };
    expect(failure(() => backend.from(new Float64Array(1)))).toMatchObject(refused);
    for (const kind of ['variable', 'gradient'] as const) {
      expect(failure(() => backend[kind]({ data: new Float64Array(1), shape: [1] }))).toMatchObject(refused);
    }
  });
});

describe('free', () => {
  it('is SGD_DETACHED for what was freed, its view too', async () => {
    const backend = await wasm();
    const tensor = backend.zeros([4]);
    const { data } = tensor;
    backend.free(tensor);
    for (const again of [() => backend.free(tensor), () => backend.free(data), () => tensor.data]) {
      expect(failure(again).code).toBe('SGD_DETACHED');
    }
  });

  it('takes the view for the tensor, and leaves ordinary arrays alone', async () => {
    const backend = await wasm();
    const tensor = backend.zeros([4]);
    backend.free(tensor.data);
    expect(failure(() => tensor.data).code).toBe('SGD_DETACHED');
    backend.free(new Float32Array(4));
    backend.free({ data: new Float32Array(4), shape: [4] });
  });

  it('refuses tensors of another arena, and parts of one', async () => {
    const [one, other] = [await wasm(), await wasm()];
    const tensor = other.zeros([4]);
    const refused = (what: string): object => ({
      code: 'SGD_UNSUPPORTED',
      message: expect.stringContaining(`free: ${what}`),
    });
    expect(failure(() => one.free(tensor))).toMatchObject(refused('a tensor of another arena'));
    expect(failure(() => one.free(tensor.data))).toMatchObject(refused('a tensor of another arena'));
    expect(failure(() => other.free(tensor.data.subarray(1)))).toMatchObject(refused('a part of an arena'));
    expect(tensor.data.length).toBe(4);
  });

  it.each([
    ['in order', [0, 1, 2, 3, 4]],
    ['backwards', [4, 3, 2, 1, 0]],
    ['every other first', [0, 2, 4, 1, 3]],
    ['from the middle', [2, 1, 3, 0, 4]],
    ['from the middle, otherwise', [2, 3, 1, 4, 0]],
  ])('joins what is free: %s', async (_name, order) => {
    const backend = await bounded();
    const before = largest(backend);
    const tensors = [10_000, 20_000, 30_000, 1, 5000].map((n) => backend.zeros([n]));
    expect(largest(backend)).toBeLessThan(before - 60_000);
    for (const i of order) backend.free(tensors[i]!);
    expect(largest(backend)).toBe(before);
  });

  it('leaves holes that are used again', async () => {
    const backend = await bounded();
    const [, hole] = [1000, 1000, 1000].map((n) => backend.zeros([n])) as [WasmTensor, WasmTensor, WasmTensor];
    const { byteOffset } = hole.data;
    backend.free(hole);
    expect(backend.zeros([1017]).data.byteOffset).not.toBe(byteOffset);
    expect(backend.zeros([500]).data.byteOffset).toBe(byteOffset);
    expect(backend.zeros([100]).data.byteOffset).toBeGreaterThan(byteOffset);
  });
});

describe('growth', () => {
  it('detaches views; the tensor has another, with the same values', async () => {
    const backend = await wasm();
    const tensor = backend.from([1, 2, 3]);
    const old = tensor.data;
    const large = backend.zeros([PAGE]);
    expect(old.length).toBe(0);
    expect(Array.from(tensor.data)).toEqual([1, 2, 3]);
    expect(large.data.every((x) => x === 0)).toBe(true);
    for (const use of [() => backend.describe(old), () => backend.free(old)]) {
      expect(failure(use)).toMatchObject({ code: 'SGD_DETACHED', message: expect.stringContaining('grew since') });
    }
  });

  it('goes on from what is free at the end', async () => {
    const backend = await wasm({ maximum: 3 * PAGE });
    // one page there is, of which almost all is free; two are to come
    expect(backend.zeros([Math.floor((2.9 * PAGE) / 4)]).data.length).toBe(Math.floor((2.9 * PAGE) / 4));
  });

  it('is as large as it must be, whatever is free elsewhere', async () => {
    const backend = await wasm({ reserve: PAGE });
    const elements = PAGE / 4 - 48; // with the three lines that set it off, a page
    const [first, last] = [backend.zeros([elements]), backend.zeros([elements - 32])]; // all of it, but for the first and the last line
    expect(last.data.buffer.byteLength).toBe(2 * PAGE);
    backend.free(first);
    expect(backend.zeros([2 * elements]).data.buffer.byteLength).toBe(4 * PAGE);
  });

  it('is not needed for what was reserved', async () => {
    const backend = await wasm({ reserve: 1 << 20 });
    const { data } = backend.zeros([10]);
    backend.zeros([((1 << 20) - 8192) / 4]);
    expect(data.length).toBe(10);
  });

  it('a session goes on after it', async () => {
    const backend = await wasm();
    const w = backend.from([1, 1]);
    const ordinary = new Float32Array([1, 1]);
    const optimizer = new SGD({ learningRate: 0.5, momentum: 0.5 }, backend);
    optimizer.build({ w, ordinary });
    const gradient = backend.from([1, 2]);
    const step = (): boolean => optimizer.apply({ w: gradient, ordinary: new Float32Array([1, 2]) });
    step();
    backend.zeros([10 * PAGE]);
    step();
    expect([...w.data, ...ordinary]).toEqual([-0.25, -1.5, -0.25, -1.5]);
  });

  it('in the midst of a call takes nothing away from views that were given to it', async () => {
    const backend = await wasm();
    const [a, b] = [backend.from([1, 1]), backend.from(new Float32Array(50_000).fill(1))];
    const optimizer = new SGD({ learningRate: 0.5, momentum: 0.5 }, backend);
    const before = [a.data, b.data] as const;
    optimizer.build({ a: before[0], b: before[1] }); // makes room for slots
    expect(before[0].length).toBe(0);
    const gradients = { b: new Float32Array(50_000).fill(2), a: backend.from([1, 2]).data }; // makes room for a copy of the first
    expect(optimizer.apply(gradients)).toBe(true);
    expect(gradients.a.length).toBe(0);
    expect([...a.data, b.data[0], b.data[49_999]]).toEqual([0.5, 0, 0, 0]);
  });

  it('beyond the maximum is SGD_BACKEND, with the cause, before anything was written', async () => {
    const backend = await bounded();
    const w = backend.from([1, 1]);
    const optimizer = new SGD({ learningRate: 0.5 }, backend);
    optimizer.build({ w });
    const error = failure(() => backend.zeros([PAGE * 16]));
    expect([error.code, error.message]).toEqual(['SGD_BACKEND', expect.stringMatching(/arena of \d+ bytes .* by \d+/)]);
    expect(error.cause).toBeInstanceOf(Error);
    expect(optimizer.apply({ w: new Float32Array([1, 2]) })).toBe(true);
    expect(Array.from(w.data)).toEqual([0.5, 0]);
  });

  it('an optimizer that finds no room for a copy of a gradient can go on', async () => {
    const backend = await bounded();
    const [a, b] = [backend.from(new Float32Array(16).fill(1)), backend.from(new Float32Array(20_000).fill(1))];
    const optimizer = new SGD({ learningRate: 0.5 }, backend);
    optimizer.build({ a, b });
    const rest = backend.zeros([largest(backend) - 16 - 64]);
    const gradients = { a: new Float32Array(16).fill(1), b: new Float32Array(20_000).fill(1) };
    expect(failure(() => optimizer.apply(gradients)).code).toBe('SGD_BACKEND');
    expect([a.data[0], b.data[0], optimizer.iterations]).toEqual([1, 1, 0]);
    backend.free(rest);
    expect(optimizer.apply(gradients)).toBe(true);
    expect([a.data[0], b.data[0]]).toEqual([0.5, 0.5]);
  });

  it('an optimizer that finds no room for its slots leaves none behind', async () => {
    const backend = await bounded();
    const w = backend.zeros([100_000]);
    const before = largest(backend);
    const optimizer = new SGD({ momentum: 0.5, useEma: true }, backend);
    expect(failure(() => optimizer.build({ w })).code).toBe('SGD_BACKEND');
    expect(optimizer.built).toBe(false);
    expect(largest(backend)).toBe(before);
  });

  it.each([
    ['reserve', { reserve: -1 }],
    ['reserve', { reserve: NaN }],
    ['reserve', { reserve: 2 ** 40 }],
    ['maximum', { maximum: 0 }],
    ['maximum', { reserve: PAGE, maximum: PAGE }],
    ['maximum', { maximum: NaN }],
  ])('a wrong %s is refused by name', async (option, options) => {
    const error = await wasm(options).catch((e: unknown) => e as SgdError);
    expect(error).toMatchObject({ code: 'SGD_INVALID_OPTION', message: expect.stringContaining(option) });
  });
});

it('a thousand optimizers end where the first began', async () => {
  const backend = await bounded();
  const before = largest(backend);
  const options = { momentum: 0.9, useEma: true, gradientAccumulationSteps: 2, globalClipnorm: 1 };
  for (let i = 0; i < 1000; i++) {
    const optimizer = new SGD(options, backend);
    const tensor = backend.zeros([20 + (i % 7)]);
    optimizer.build({ tensor, array: new Float32Array(1000 + i) });
    optimizer.apply({ tensor: new Float32Array(20 + (i % 7)), array: new Float32Array(1000 + i) });
    optimizer.dispose();
    backend.free(tensor);
  }
  expect(largest(backend)).toBe(before);
});
