import { type Environment, firstLine, type GpuAdapter, Unusable, type WebGl } from './environment.ts';

/** What a device is made of, as far as it says. */
export interface GpuFound {
  readonly software: boolean;
  readonly description: string;
}

// renderers that are programs: what they are called by Chromium, Firefox, Mesa and Windows
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

// (module (func (result v128) v128.const i32x4 0 0 0 0))
const SIMD = Uint8Array.from(
  '0 97 115 109 1 0 0 0 1 5 1 96 0 1 123 3 2 1 0 10 22 1 20 0 253 12 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 11'.split(' '),
  Number,
);

/** Throws where WebAssembly, its SIMD, or leave to compile it is missing: tried by compiling a function that uses it. */
export function wantSimd({ WebAssembly }: Environment): void {
  if (typeof WebAssembly?.validate !== 'function') throw new Unusable('there is no WebAssembly here');
  if (!WebAssembly.validate(SIMD))
    throw new Unusable('WebAssembly has no SIMD here: use a later version of the browser or runtime');
  try {
    new WebAssembly.Module(SIMD);
  } catch (cause) {
    const cure = "a content security policy needs 'wasm-unsafe-eval'";
    throw new Unusable(`WebAssembly may not be compiled here; ${cure}: ${firstLine(cause)}`, false, cause);
  }
}

/** Throws where text may not be made into functions. */
export function wantEval({ Function: make }: Environment): void {
  try {
    if (make === undefined) throw new Error('there is no Function');
    if (new make('return 1')() !== 1) throw new Error('a function made of text does not run');
  } catch (cause) {
    const cure = "a content security policy needs 'unsafe-eval'";
    throw new Unusable(`text may not be made into functions here; ${cure}: ${firstLine(cause)}`, false, cause);
  }
}

/** A WebGL 2 that draws 32-bit floats, tried by clearing a texture and reading it back; throws where there is none. */
export function wantFloatTargets(environment: Environment): GpuFound {
  const gl = contextOf(environment, 'webgl2', 'EXT_color_buffer_float');
  const value = drawn(gl as unknown as WebGL2Like);
  if (value !== Math.fround(0.1))
    throw new Unusable(`WebGL keeps 0.1 as ${value}: its textures hold fewer bits than float32`);
  return rendererOf(gl);
}

/** A WebGL 1 with textures of 32-bit floats; throws where there is none. Whether it draws into them, a step shows. */
export const wantFloatTextures = (environment: Environment): GpuFound =>
  rendererOf(contextOf(environment, 'webgl', 'OES_texture_float'));

function contextOf({ OffscreenCanvas, document }: Environment, kind: 'webgl2' | 'webgl', floats: string): WebGl {
  const name = kind === 'webgl2' ? 'WebGL 2' : 'WebGL';
  let gl: WebGl | null | undefined;
  try {
    const canvas = OffscreenCanvas ? new OffscreenCanvas(1, 1) : document?.createElement('canvas');
    gl = canvas?.getContext(kind);
  } catch (cause) {
    throw new Unusable(`${name} does not start: ${firstLine(cause)}`, false, cause);
  }
  if (!gl) throw new Unusable(`there is no ${name} here`);
  if (gl.isContextLost())
    throw new Unusable(`the context of ${name} is lost: reload the page, or close others that use the GPU`);
  if (!gl.getExtension(floats)) throw new Unusable(`${name} has no 32-bit floats on this device (${floats})`);
  return gl;
}

/** Who draws; ends the context. */
function rendererOf(gl: WebGl): GpuFound {
  const info = gl.getExtension('WEBGL_debug_renderer_info') as { readonly UNMASKED_RENDERER_WEBGL: number } | null;
  const description = String(gl.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  (gl.getExtension('WEBGL_lose_context') as { loseContext(): void } | null)?.loseContext();
  return { software: SOFTWARE.test(description), description };
}

/** What is used of a WebGL 2 context, typed; the names are WebGL's. */
interface WebGL2Like {
  readonly TEXTURE_2D: number;
  readonly R32F: number;
  readonly RED: number;
  readonly FLOAT: number;
  readonly FRAMEBUFFER: number;
  readonly COLOR_ATTACHMENT0: number;
  readonly COLOR: number;
  createTexture(): object;
  createFramebuffer(): object;
  bindTexture(target: number, texture: object): void;
  texStorage2D(target: number, levels: number, format: number, width: number, height: number): void;
  bindFramebuffer(target: number, framebuffer: object): void;
  framebufferTexture2D(target: number, attachment: number, kind: number, texture: object, level: number): void;
  clearBufferfv(buffer: number, index: number, values: Float32Array): void;
  readPixels(x: number, y: number, w: number, h: number, format: number, type: number, pixels: Float32Array): void;
}

/** The value of one pixel of 32 bits that was cleared to 0.1. */
function drawn(gl: WebGL2Like): number {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texStorage2D(gl.TEXTURE_2D, 1, gl.R32F, 1, 1);
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  gl.clearBufferfv(gl.COLOR, 0, Float32Array.of(0.1, 0, 0, 0));
  const pixel = new Float32Array(1);
  gl.readPixels(0, 0, 1, 1, gl.RED, gl.FLOAT, pixel);
  return pixel[0]!;
}

/** A WebGPU adapter that gives a device; throws where there is none. */
export async function wantWebGpu({ navigator }: Environment): Promise<GpuFound> {
  if (!navigator?.gpu)
    throw new Unusable('there is no WebGPU here: it needs a secure page (https or localhost) in a browser that has it');
  let adapter: GpuAdapter | null;
  try {
    adapter = await navigator.gpu.requestAdapter();
  } catch (cause) {
    throw new Unusable(`WebGPU gives no adapter: ${firstLine(cause)}`, false, cause);
  }
  if (!adapter) throw new Unusable('WebGPU has no adapter: there is no GPU, or the browser blocks it');
  try {
    (await adapter.requestDevice()).destroy();
  } catch (cause) {
    throw new Unusable(`WebGPU gives no device: ${firstLine(cause)}`, false, cause);
  }
  return found(adapter);
}

function found({ info = {}, isFallbackAdapter }: GpuAdapter): GpuFound {
  const description = [info.vendor, info.architecture, info.description].filter(Boolean).join(' ');
  const software = isFallbackAdapter ?? info.isFallbackAdapter ?? false;
  return { software: software || SOFTWARE.test(description), description };
}
