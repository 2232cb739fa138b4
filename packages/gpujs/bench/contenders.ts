import { SGD } from '@sgd/core';
import { gpujs, type GpuTexture } from '@sgd/gpujs';
import { GPU } from 'gpu.js';

/** One way to train with gpu.js: the same gradient kernel, and momentum 0.9 at a rate of 0.01. */
export interface Contender {
  readonly name: string;
  gradient(): void;
  update(): void;
  /** Waits until the device is done. */
  settle(): void;
  weights(): Promise<Float32Array>;
  destroy(): unknown;
}

const GRADIENT = 'function(w) { return 0.1 * w[this.thread.x] + 0.01; }';
const VELOCITY = 'function(m, g, b, l) { return m[this.thread.x] * b - g[this.thread.x] * l; }';
const MOVED = 'function(w, m) { return w[this.thread.x] + m[this.thread.x]; }';
const [RATE, MOMENTUM] = [0.01, 0.9];

type Kernel = (...args: readonly unknown[]) => unknown;
type Start = (mode: 'webgl2' | 'webgl', elements: number) => Contender;

const start = (elements: number): Float32Array => Float32Array.from({ length: elements }, (_, i) => Math.sin(i));
const kernelOn = (gpu: GPU, source: string, settings: object): Kernel =>
  gpu.createKernel(source, settings) as unknown as Kernel;

/** What most examples of gpu.js look like: each kernel takes arrays and gives arrays. */
const readBack: Start = (mode, elements) => {
  const gpu = new GPU({ mode });
  const settings = { output: [elements] };
  const [gradient, velocity, moved] = [GRADIENT, VELOCITY, MOVED].map((source) => kernelOn(gpu, source, settings));
  let w: unknown = start(elements);
  let m: unknown = new Float32Array(elements);
  let g: unknown = m;
  return {
    name: 'kernels, each read back',
    gradient: () => (g = gradient!(w)),
    update() {
      m = velocity!(m, g, MOMENTUM, RATE);
      w = moved!(w, m);
    },
    settle() {},
    weights: () => Promise.resolve(w as Float32Array),
    destroy: () => gpu.destroy(),
  };
};

/** The same with both results of an update from one kernel. */
const map: Start = (mode, elements) => {
  const gpu = new GPU({ mode });
  const gradient = kernelOn(gpu, GRADIENT, { output: [elements] });
  const update = gpu.createKernelMap(
    { m: 'function velocity(m, g, b, l) { return m * b - g * l; }' } as unknown as { m(): number },
    'function(w, m, g, b, l) { return w[this.thread.x] + velocity(m[this.thread.x], g[this.thread.x], b, l); }' as never,
    { output: [elements] },
  ) as unknown as (...args: readonly unknown[]) => { result: unknown; m: unknown };
  let w: unknown = start(elements);
  let m: unknown = new Float32Array(elements);
  let g: unknown = m;
  return {
    name: 'kernel map, read back',
    gradient: () => (g = gradient(w)),
    update: () => void ({ result: w, m } = update(w, m, g, MOMENTUM, RATE)),
    settle() {},
    weights: () => Promise.resolve(w as Float32Array),
    destroy: () => gpu.destroy(),
  };
};

/** The gradient is read back, and the host does the rest. */
const loop: Start = (mode, elements) => {
  const gpu = new GPU({ mode });
  const gradient = kernelOn(gpu, GRADIENT, { output: [elements] });
  const w = start(elements);
  const m = new Float32Array(elements);
  let g: Float32Array = m;
  return {
    name: 'gradient read back, loop',
    gradient: () => (g = gradient(w) as Float32Array),
    update() {
      for (let i = 0; i < elements; i++) {
        m[i] = m[i]! * MOMENTUM - g[i]! * RATE;
        w[i]! += m[i]!;
      }
    },
    settle() {},
    weights: () => Promise.resolve(w),
    destroy: () => gpu.destroy(),
  };
};

const ON_DEVICE = { pipeline: true, immutable: true, precision: 'single', tactic: 'precision' } as const;

/** Waits by reading one value of what the last kernel wrote. */
function settle(gpu: GPU, texture: unknown): void {
  const gl = gpu.context as WebGL2RenderingContext;
  const framebuffer = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  const { texture: own } = texture as { texture: WebGLTexture };
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, own, 0);
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.FLOAT, new Float32Array(4));
  gl.deleteFramebuffer(framebuffer);
}

/** What who knows gpu.js well writes: nothing is read, textures are deleted in time. */
const textures: Start = (mode, elements) => {
  const gpu = new GPU({ mode });
  const settings = { ...ON_DEVICE, output: [elements] };
  const [gradient, velocity, moved, upload] = [
    GRADIENT,
    VELOCITY,
    MOVED,
    'function(a) { return a[this.thread.x]; }',
  ].map((source) => kernelOn(gpu, source, settings) as (...args: readonly unknown[]) => GpuTexture);
  let w = upload!(start(elements));
  let m = upload!(new Float32Array(elements));
  let g: GpuTexture = m.clone() as GpuTexture;
  return {
    name: 'textures kept by hand',
    gradient() {
      g.delete();
      g = gradient!(w);
    },
    update() {
      const [oldW, oldM] = [w, m];
      m = velocity!(m, g, MOMENTUM, RATE);
      w = moved!(w, m);
      oldW.delete();
      oldM.delete();
    },
    settle: () => settle(gpu, w),
    weights: () => Promise.resolve(w.toArray() as Float32Array),
    destroy: () => gpu.destroy(),
  };
};

const ours: Start = (mode, elements) => {
  const gpu = new GPU({ mode });
  const gradient = kernelOn(gpu, GRADIENT, { ...ON_DEVICE, output: [elements] }) as (w: unknown) => GpuTexture;
  const optimizer = new SGD({ learningRate: RATE, momentum: MOMENTUM }, gpujs({ gpu }));
  optimizer.build({ w: start(elements) });
  let g = gradient(optimizer.trainableVariable('w'));
  return {
    name: '@sgd/gpujs',
    gradient() {
      g.delete();
      g = gradient(optimizer.trainableVariable('w'));
    },
    update: () => void optimizer.apply({ w: g }),
    settle: () => settle(gpu, optimizer.trainableVariable('w')),
    weights: async () => (await optimizer.read('w')) as Float32Array,
    destroy: () => gpu.destroy(),
  };
};

/** The first is what the others are compared with. */
export const CONTENDERS: readonly Start[] = [readBack, map, loop, textures, ours];
