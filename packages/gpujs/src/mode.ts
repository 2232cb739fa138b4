import { SgdError } from '@sgd/core';
import { GPU } from 'gpu.js';
import { arrays } from './arrays.ts';
import type { Device } from './device.ts';
import { fill } from './formula.ts';
import type { Gl, Gpu } from './gpu.ts';
import { kernelOf } from './kernels.ts';
import { textures } from './textures.ts';

/** A GPU of our own; without a mode, of the best that there is. */
export function makeGpu(mode: string | undefined): Gpu {
  try {
    return new GPU(mode === undefined ? {} : { mode: mode as 'gpu' }) as unknown as Gpu;
  } catch (cause) {
    throw new SgdError('SGD_UNSUPPORTED', `gpujs: there is no mode "${mode}" here: ${String(cause)}`, { cause });
  }
}

/** What runs the kernels of a GPU: `gpu.mode` may be "gpu", for whatever there is. */
export function kindOf(gpu: Gpu): string {
  if (typeof gpu?.createKernel !== 'function') {
    throw new SgdError('SGD_INVALID_OPTION', `gpu: expected a GPU of gpu.js, got ${typeof gpu}`);
  }
  const { Kernel } = gpu as { readonly Kernel?: { readonly mode: string } | null };
  return gpu.mode === 'async' ? gpu.mode : (Kernel?.mode ?? gpu.mode);
}

/** What does the work on a GPU, by its mode. Throws for modes that are not synchronous, and where the mode can't run. */
export function deviceOf(gpu: Gpu): Device {
  const kind = kindOf(gpu);
  if (kind === 'gpu') return onWebGL(gpu);
  if (kind !== 'cpu' && kind !== 'webasm') {
    const cure = kind === 'webgpu' ? 'pass it to gpujsAsync()' : 'make it with mode "gpu", "webasm" or "cpu"';
    throw new SgdError('SGD_UNSUPPORTED', `gpu: its mode "${kind}" is not synchronous: ${cure}`);
  }
  wantCode(kind);
  return arrays(gpu, `gpujs:${kind}`) as unknown as Device;
}

function onWebGL(gpu: Gpu): Device {
  kernelOf(gpu, fill, { kind: 'ArrayTexture(1)' }); // makes the context, where the user has not yet
  const gl = gpu.context as Gl;
  if (gl.canvas !== undefined && gl.canvas !== gpu.canvas) {
    const cure = 'make the GPU with both, { context, canvas: context.canvas }';
    throw new SgdError(
      'SGD_INVALID_OPTION',
      `gpu: its context is that of another canvas, so that kernels write to wrong places: ${cure}`,
    );
  }
  const name = gl.texStorage2D !== undefined ? 'webgl2' : gpu.mode === 'headlessgl' ? gpu.mode : 'webgl';
  return textures(gpu, `gpujs:${name}`) as unknown as Device;
}

// the smallest module that there is
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

/** A content security policy may forbid to make code; gpu.js says so late, or not at all. */
function wantCode(mode: 'cpu' | 'webasm'): void {
  try {
    if (mode === 'webasm') {
      const { WebAssembly } = globalThis as unknown as { WebAssembly: { Module: new (code: Uint8Array) => unknown } };
      new WebAssembly.Module(EMPTY);
    } else {
      // oxlint-disable-next-line typescript/no-implied-eval -- what is asked is whether it may be done
      new Function('return 0');
    }
  } catch (cause) {
    const [what, cure] =
      mode === 'cpu'
        ? ['text into functions', 'use mode "webasm", or @sgd/cpu']
        : ['WebAssembly', "allow 'wasm-unsafe-eval', or use @sgd/cpu"];
    const text = `gpujs: mode "${mode}" compiles ${what}, which the content security policy forbids: ${cure}`;
    throw new SgdError('SGD_UNSUPPORTED', text, { cause });
  }
}
