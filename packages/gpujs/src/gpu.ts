// What is used of gpu.js, in types of our own: its own need the DOM, and leave out or get wrong what we use.

/** The part of a `GPU` of gpu.js that this package uses. */
export interface Gpu {
  /** What it runs on, e.g. `"webgl2"`. */
  readonly mode: string;
  /** The WebGL context, once a kernel was created in a WebGL mode. */
  readonly context: unknown;
  /** The canvas of the context. */
  readonly canvas: unknown;
  /** Compiles the text of a function. */
  createKernel(source: string, settings?: object): unknown;
  /** Frees the GPU and loses its context. */
  destroy(): Promise<void>;
}

/** A texture of gpu.js, as kernels with `pipeline: true` return it; a buffer in mode webgpu. */
export interface GpuTexture {
  /** The values, in arrays; a promise in mode webgpu. */
  toArray(): unknown;
  /** A texture of its own with the same values. */
  clone(): unknown;
  /** Frees it. */
  delete(): void;
}

/** Values that gpu.js kernels return in the modes cpu and webasm: rows, or layers of rows. */
export type GpuRows = readonly Float32Array[] | readonly (readonly Float32Array[])[];

/** An array or texture with a shape of its own. */
export interface GpuTensor {
  /** Row-major, as many elements as the product of `shape`. */
  readonly data: Float32Array | GpuTexture;
  /** `[]` for a scalar. */
  readonly shape: readonly number[];
  /** What it is called in paths and messages. */
  readonly name?: string | undefined;
}

/** What becomes a variable: values on the host, which are copied to the device, or a texture, which is only read. */
export type GpuVariable = Float32Array | GpuRows | GpuTexture | GpuTensor;

/** What becomes a gradient: what the user's kernels return, or values on the host. */
export type GpuGradient = GpuVariable;

/** Anything that a kernel of gpu.js takes for an array, in the types of gpu.js too. */
export interface GpuArgument extends GpuTexture {
  /** The values. */
  toArray(): Float32Array;
  /** A texture of its own with the same values. */
  clone(): GpuArgument;
  /** Sets all values to 0. */
  clear(): void;
  /** For the types of gpu.js alone. */
  readonly kernel: never;
}

/** A kernel, and what of it is touched. */
export interface Kernel {
  (...args: readonly unknown[]): unknown;
  setOutput(output: readonly number[]): unknown;
  /** The one that runs: its output is our texture as well as its own. */
  readonly kernel: Kernel & {
    readonly built: boolean;
    texture: GpuTexture | null;
    readonly mappedTextures: readonly GpuTexture[] | null;
    outputBuffer: { _refs: number } | null;
    readonly fallbackReason?: string | null;
    readonly TextureConstructor: new (settings: object) => GlTexture;
    readonly context: { readonly isLost?: boolean } | null;
  };
}

/** A texture of the WebGL modes. */
export interface GlTexture extends GpuTexture {
  readonly texture: { _refs: number };
  /** Of the texture, in pixels. */
  readonly size: ArrayLike<number>;
  /** As kernels index it: width, height, depth. */
  readonly dimensions: ArrayLike<number>;
  readonly output: ArrayLike<number>;
  readonly context: unknown;
  readonly kernel: unknown;
  readonly type: string;
  readonly internalFormat: unknown;
  readonly textureFormat: unknown;
  readonly _deleted: boolean;
  clone(): GlTexture;
}

/** The part of a WebGL context that is used; `texStorage2D` is WebGL 2's alone. */
export interface Gl {
  readonly canvas?: unknown;
  readonly texStorage2D?: unknown;
  isContextLost(): boolean;
  getParameter(name: number): unknown;
  createFramebuffer(): object;
  deleteFramebuffer(framebuffer: object): void;
  activeTexture(unit: number): void;
  bindTexture(target: number, texture: object | null): void;
  bindFramebuffer(target: number, framebuffer: object | null): void;
  framebufferTexture2D(target: number, attachment: number, textarget: number, texture: object, level: number): void;
  pixelStorei(name: number, value: number | boolean): void;
  texSubImage2D(
    target: number,
    level: number,
    x: number,
    y: number,
    width: number,
    height: number,
    format: number,
    type: number,
    pixels: Float32Array,
  ): void;
  readPixels(
    x: number,
    y: number,
    width: number,
    height: number,
    format: number,
    type: number,
    pixels: Float32Array,
  ): void;
  readonly [constant: string]: unknown;
}
