import { setBackend } from '@tensorflow/tfjs-core';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plain from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.wasm?url';
import { type Gradients, type SelectionReport, selectBackend, SelectionError, type Workload } from '../src/index.ts';

/** What is timed. */
export interface Given {
  readonly gradients: Gradients;
  readonly workload: Workload;
  /** Of each candidate. */
  readonly milliseconds: number;
  /** For gradients of `tfjs`: `cpu`, `wasm`, `webgl` or `webgpu`. */
  readonly engine?: string;
}

/** Times all candidates that run here as `@sgd/auto` does; the report says how fast each is, and on what. */
async function time({ gradients, workload, milliseconds, engine }: Given): Promise<SelectionReport> {
  if (engine !== undefined) await startTfjs(engine);
  try {
    return (await selectBackend({ gradients, workload, benchmark: { milliseconds } })).report;
  } catch (error) {
    if (error instanceof SelectionError) return error.report;
    throw error;
  }
}

async function startTfjs(engine: string): Promise<void> {
  const modules = { plain, simd, threaded };
  setWasmPaths({
    'tfjs-backend-wasm.wasm': modules.plain,
    'tfjs-backend-wasm-simd.wasm': modules.simd,
    'tfjs-backend-wasm-threaded-simd.wasm': modules.threaded,
  });
  const { default: start } = await import('@sgd/tfjs/conformance');
  await start(engine);
  if (!(await setBackend(engine))) throw new Error(`TensorFlow.js does not start ${engine} here`);
}

/** Who draws for WebGL: a GPU, or a program. */
function renderer(): string {
  const gl = document.createElement('canvas').getContext('webgl2');
  const info = gl?.getExtension('WEBGL_debug_renderer_info');
  return gl ? String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) : 'nothing draws';
}

Object.assign(globalThis, { bench: { time, renderer } });
