import { ofFixedLength, SgdError } from '@sgd/core';
import { type Device, everywhere, type Flaw, outputOf, sizeOf } from './device.ts';
import { fill, type Formula } from './formula.ts';
import type { Gl, GlTexture, Gpu, Kernel } from './gpu.ts';
import { kernelOf } from './kernels.ts';
import { reductions } from './reductions.ts';
import { runs } from './runs.ts';

const KIND = 'ArrayTexture(1)';

// constants of WebGL
const TEXTURE_2D = 0x0de1;
const TEXTURE0 = 0x84c0;
const FRAMEBUFFER = 0x8d40;
const COLOR_ATTACHMENT0 = 0x8ce0;
const RED = 0x1903;
const RGBA = 0x1908;
const FLOAT = 0x1406;
const MAX_TEXTURE_SIZE = 0x0d33;
const READ_TYPE = 0x8b9a;
const READ_FORMAT = 0x8b9b;
const FLIP = 0x9240;
const PREMULTIPLY = 0x9241;

const OTHER_TYPES: Readonly<Record<string, string>> = {
  NumberTexture: "an unsigned texture: make it by a kernel with precision: 'single'",
  MemoryOptimizedNumberTexture: 'a texture of four values a pixel: make it by a kernel without optimizeFloatMemory',
};

/** The modes on WebGL: tensors are textures of one dimension, as near to a square as can be. */
export function textures(gpu: Gpu, label: string): Device<GlTexture> {
  // a kernel makes the context, where the user has not
  kernelOf(gpu, fill, { kind: KIND });
  const gl = gpu.context as Gl;
  const wide = gl.texStorage2D !== undefined;
  const side = gl.getParameter(MAX_TEXTURE_SIZE) as number;
  const maps = (gpu as unknown as { Kernel: { features: { kernelMap: boolean } } }).Kernel.features.kernelMap;

  const { run, target, free, clear } = runs(gpu, wide);

  const classes: (Kernel['kernel']['TextureConstructor'] | undefined)[] = [];
  /** The same values, indexed by a shape. Each number of dimensions has its class: a kernel takes only that which it was built with. */
  const wrap = (made: GlTexture, shape: readonly number[]): GlTexture => {
    const output = outputOf(shape);
    const rank = output.length;
    if (!classes[rank]) {
      const ones = output.map(() => 1);
      for (const one of run(fill, ones, [], [0])) one.delete();
      classes[rank] = kernelOf(gpu, fill, { kind: KIND, rank }).kernel.TextureConstructor;
    }
    return new classes[rank]({ ...made, output, dimensions: [...output, 1, 1].slice(0, 3) });
  };

  const upload = (values: Float32Array): GlTexture => {
    const made = target(values.length);
    const [width, height] = made.size as unknown as readonly [number, number];
    let pixels = values;
    if (!wide || width * height > values.length) {
      pixels = new Float32Array(width * height * (wide ? 1 : 4));
      if (wide) pixels.set(values);
      else values.forEach((value, i) => (pixels[4 * i] = value));
    }
    gl.activeTexture(TEXTURE0);
    gl.bindTexture(TEXTURE_2D, made.texture);
    gl.pixelStorei(FLIP, false);
    gl.pixelStorei(PREMULTIPLY, false);
    gl.texSubImage2D(TEXTURE_2D, 0, 0, 0, width, height, wide ? RED : RGBA, FLOAT, pixels);
    return made;
  };

  /** In one go, where the driver gives single channels: many times faster than `toArray`. */
  const read = ({ texture: own, size }: GlTexture, count: number): Float32Array => {
    lost();
    const [width, height] = [size[0]!, size[1]!];
    const framebuffer = gl.createFramebuffer();
    gl.bindFramebuffer(FRAMEBUFFER, framebuffer);
    gl.framebufferTexture2D(FRAMEBUFFER, COLOR_ATTACHMENT0, TEXTURE_2D, own, 0);
    const tight = wide && gl.getParameter(READ_FORMAT) === RED && gl.getParameter(READ_TYPE) === FLOAT;
    const pixels = new Float32Array(width * height * (tight ? 1 : 4));
    gl.readPixels(0, 0, width, height, tight ? RED : RGBA, FLOAT, pixels);
    gl.bindFramebuffer(FRAMEBUFFER, null);
    gl.deleteFramebuffer(framebuffer);
    return tight ? pixels.slice(0, count) : Float32Array.from({ length: count }, (_, i) => pixels[4 * i]!);
  };

  const lost = (): void => {
    if (!gl.isContextLost()) return;
    throw new SgdError(
      'SGD_BACKEND',
      'the WebGL context of the GPU is lost, with all values: make a new GPU and build again',
    );
  };

  const device = {
    name: label,
    mode: 'sync' as const,
    supports: everywhere,
    // drivers may fuse a product with a sum, and flush what is smaller than 2^-126 to 0
    tolerance: { rtol: 1e-6, atol: 2 ** -126 },
    most: side * side,
    check: lost,
    flawOf(value: object): Flaw | null | undefined {
      const { texture, type, context, _deleted } = value as Partial<GlTexture>;
      if (texture === undefined || type === undefined) return undefined;
      if (_deleted) return { code: 'SGD_DETACHED', text: 'a texture that was deleted' };
      const other = 'a texture of another context: make it by kernels of the GPU that was given to gpujs()';
      if (context !== gl) return { code: 'SGD_UNSUPPORTED', text: other };
      if (type === KIND) return null;
      return {
        code: 'SGD_UNSUPPORTED',
        text: OTHER_TYPES[type] ?? `a texture of type ${type}, expected one of numbers`,
      };
    },
    shapeOf: (texture: object) => Array.from((texture as GlTexture).output).reverse(),
    upload,
    borrow: (values: object) => {
      if (ArrayBuffer.isView(values)) return upload(ofFixedLength(values as Float32Array));
      const made = values as GlTexture;
      return wrap(made, [sizeOf(made.output)]);
    },
    read,
    run: (formula: Formula, size: number, tensors: readonly GlTexture[], numbers: readonly number[]): GlTexture =>
      run(formula, [size], tensors, numbers)[0]!,
    ...(maps && {
      both: (formula: Formula, size: number, tensors: readonly GlTexture[], numbers: readonly number[]) =>
        run(formula, [size], tensors, numbers) as [GlTexture, GlTexture],
    }),
    share: (tensor: GlTexture) => tensor.clone(),
    copy: (tensor: GlTexture) => tensor.clone(),
    free,
    clear,
    handle: wrap,
    view(values: object, shape: readonly number[]): object {
      const borrowed = wrap(values as GlTexture, shape);
      (borrowed.texture as { _refs: number })._refs--; // it does not count, and nobody needs to delete it
      return Object.assign(borrowed, { delete() {} });
    },
  };
  return { ...device, reductions: reductions(device) };
}
