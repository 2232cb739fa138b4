import { expect, it } from 'vitest';

/** Of the types of WebAssembly, which are those of the DOM, what is used here. */
interface Memory {
  readonly buffer: ArrayBuffer;
}

// jax-js computes what is read, so that what is never read piles up.
it('takes no more memory from step to step, averages that nobody reads included', async () => {
  const memories: Memory[] = [];
  const engine = (globalThis as unknown as { WebAssembly: { Memory: new (descriptor: object) => Memory } }).WebAssembly;
  engine.Memory = class extends engine.Memory {
    constructor(descriptor: object) {
      super(descriptor);
      memories.push(this);
    }
  };
  const { numpy: np } = await import('@jax-js/jax');
  const { SGD } = await import('@sgd/core');
  const { sgdJax } = await import('../src/index.ts');
  const bytes = (): number => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  const ones = (): InstanceType<typeof np.Array> => np.array(new Float32Array(50_000).fill(1));

  const options = { momentum: 0.9, nesterov: true, weightDecay: 0.1, globalClipnorm: 1, gradientAccumulationSteps: 2 };
  const optimizer = new SGD({ ...options, useEma: true }, sgdJax());
  optimizer.build({ w: ones() });
  const gradient = ones();
  const step = (): void => {
    optimizer.apply({ w: gradient });
    optimizer.trainableVariables[0]!.ref.dataSync();
  };
  for (let i = 0; i < 10; i++) step();
  const before = bytes();
  for (let i = 0; i < 50; i++) step();
  expect(before).toBeGreaterThan(0);
  expect(bytes()).toBe(before);
});
