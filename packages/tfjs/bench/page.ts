import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { env } from '@tensorflow/tfjs-core';

setWasmPaths('/');
// one thread, as in most pages: this one is isolated for its clock only
env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);

/** Who draws: the adapter of WebGPU, or the renderer of WebGL; nobody on the other engines. */
export async function rendererOf(engine: string): Promise<string | null> {
  if (engine === 'webgpu') {
    const gpu = (navigator as { gpu?: { requestAdapter(): Promise<{ info: Record<string, string> } | null> } }).gpu;
    const { vendor, architecture, description } = (await gpu?.requestAdapter())?.info ?? {};
    return [vendor, architecture, description].filter(Boolean).join(' ') || 'no adapter';
  }
  if (engine !== 'webgl') return null;
  const gl = document.createElement('canvas').getContext('webgl2');
  const info = gl?.getExtension('WEBGL_debug_renderer_info');
  return gl ? String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) : 'no WebGL';
}

export { measureFit } from './fit.ts';
export { measureSteps } from './steps.ts';
