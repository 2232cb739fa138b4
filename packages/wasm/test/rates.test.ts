import { SGD } from '@sgd/core';
import { wasm, type WasmBackend, type WasmGradient } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import { detach } from '../../../tests/support/programs.ts';

type During = (backend: WasmBackend, gradient: WasmGradient) => unknown;

/** A step of -1 on [0, 0] between two neighbours of 7, in which the learning rate function does something to memory. */
async function step(gradientOf: (backend: WasmBackend) => WasmGradient, during: During) {
  const backend = await wasm();
  const before = backend.from([7, 7]);
  const x = backend.from([0, 0]);
  const after = backend.from([7, 7]);
  let gradient = gradientOf(backend);
  let isDone = true;
  const learningRate = (): number => {
    if (!isDone) during(backend, gradient);
    isDone = true;
    return 1;
  };
  const optimizer = new SGD({ learningRate, momentum: 0.5 }, backend);
  optimizer.build({ x });
  // once, so that the engine knows the array and has a place for its copy; then one of other values
  optimizer.apply({ x: gradient });
  if (ArrayBuffer.isView(gradient)) gradient.fill(3);
  else gradient = backend.from([3, 3]);
  isDone = false;
  const neighbour = backend.from([7, 7]);
  let code: unknown;
  try {
    optimizer.apply({ x: gradient });
  } catch (error) {
    code = (error as { code: unknown }).code;
  }
  const values = Array.from(x.data);
  const others = [before, after, neighbour].flatMap((tensor) => Array.from(tensor.data));
  return { code, values, iterations: optimizer.iterations, others };
}

const array = (buffer: ArrayBufferLike = new ArrayBuffer(8)): Float32Array => new Float32Array(buffer).fill(1);
const resizable = (): Float32Array =>
  array(new (ArrayBuffer as new (n: number, o: object) => ArrayBuffer)(8, { maxByteLength: 1 << 12 }));
const resize = (gradient: WasmGradient, bytes: number): void =>
  ((gradient as Float32Array).buffer as unknown as { resize(n: number): void }).resize(bytes);
const grow: During = (backend) => backend.free(backend.zeros([1 << 20]));
const others = Array.from({ length: 6 }, () => 7);

describe('a learning rate function that', () => {
  const refused: Readonly<Record<string, readonly [(backend: WasmBackend) => WasmGradient, During]>> = {
    'detaches the array': [() => array(), (_, g) => detach(g as Float32Array)],
    'shrinks the array': [resizable, (_, g) => resize(g, 4)],
    'takes all of the array': [resizable, (_, g) => resize(g, 0)],
    'makes the array longer': [resizable, (_, g) => resize(g, 1 << 12)],
    'frees the tensor': [(backend) => backend.from([1, 1]), (backend, g) => backend.free(g)],
    'frees the tensor and gives its memory to another one': [
      (backend) => backend.from([1, 1]),
      (backend, g) => {
        backend.free(g);
        backend.from([9, 9]);
      },
    ],
  };
  it.each(Object.keys(refused))('%s refuses the step, and no neighbour is written', async (name) => {
    const { code, ...rest } = await step(...refused[name]!);
    expect(['SGD_DETACHED', 'SGD_GRADIENT_SHAPE']).toContain(code);
    expect(rest).toEqual({ values: [-1, -1], iterations: 1, others });
  });

  it.each<[string, (backend: WasmBackend) => WasmGradient]>([
    ['an array', () => array()],
    ['a tensor', (backend) => backend.from([1, 1])],
  ])('grows the arena changes nothing about %s', async (_, gradientOf) => {
    expect(await step(gradientOf, grow)).toEqual({ code: undefined, values: [-4.5, -4.5], iterations: 2, others });
  });

  it('grows the arena detaches a view of it, which is refused', async () => {
    const backend = await wasm();
    const x = backend.from([0, 0]);
    const gradient = backend.from([1, 1]);
    const optimizer = new SGD({ learningRate: () => (grow(backend, gradient), 1) }, backend);
    optimizer.build({ x });
    expect(() => optimizer.apply({ x: gradient.data })).toThrow(expect.objectContaining({ code: 'SGD_DETACHED' }));
    expect(optimizer.apply({ x: gradient })).toBe(true);
    expect(Array.from(x.data)).toEqual([-1, -1]);
  });

  it('grows a large array that is fed in pieces refuses the step', async () => {
    const length = 2 ** 18 + 1;
    const backend = await wasm();
    const buffer = new (ArrayBuffer as new (n: number, o: object) => ArrayBuffer)(4 * length, {
      maxByteLength: 8 * length,
    });
    const gradient = new Float32Array(buffer).fill(1);
    let bytes = 0;
    const learningRate = (): number => {
      if (bytes) resize(gradient, bytes);
      return 1;
    };
    const x = new Float32Array(length);
    const optimizer = new SGD({ learningRate }, backend);
    optimizer.build({ x });
    for (let steps = 0; steps < 3; steps++) optimizer.apply({ x: gradient });
    for (bytes of [8 * length, 4, 0]) {
      expect(() => optimizer.apply({ x: gradient })).toThrow(expect.objectContaining({ name: 'SgdError' }));
    }
    expect([x[0], x[length - 1], optimizer.iterations]).toEqual([-3, -3, 3]);
  });
});

describe('a getter that', () => {
  it('gives another array each time gives one that fits', async () => {
    const backend = await wasm();
    const x = backend.from([0, 0]);
    const optimizer = new SGD({ learningRate: 1 }, backend);
    optimizer.build({ x });
    for (let looks = 0; looks < 9; looks++) {
      let left = looks;
      const data = (): Float32Array => (left-- > 0 ? array() : array(new ArrayBuffer(400)));
      const gradient = {
        shape: [2],
        get data() {
          return data();
        },
      };
      const neighbour = backend.from([7, 7]);
      let name = 'SgdError';
      try {
        optimizer.apply({ x: gradient });
      } catch (error) {
        ({ name } = error as Error);
      }
      expect(name).toBe('SgdError');
      expect(Array.from(neighbour.data)).toEqual([7, 7]);
    }
    expect(Array.from(x.data)).toEqual(Array.from({ length: 2 }, () => -optimizer.iterations));
  });
});
