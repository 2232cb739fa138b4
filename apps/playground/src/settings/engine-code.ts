/** How an engine is had in code. */
export interface EngineCode {
  /** What is to be installed beside `@sgd/core`. */
  readonly packages: readonly string[];
  readonly imports: readonly string[];
  /** Before the backend is made. */
  readonly setUp?: string;
  readonly backend: string;
  /** Whether its calls return promises. */
  readonly asynchronous?: true;
}

const tfjs = (engine: string, about = ''): EngineCode => ({
  packages: ['@sgd/tfjs', '@tensorflow/tfjs-core', `@tensorflow/tfjs-backend-${engine}`],
  imports: [
    `import { tfjs } from '@sgd/tfjs';`,
    `import '@tensorflow/tfjs-backend-${engine}';`,
    `import * as tf from '@tensorflow/tfjs-core';`,
  ],
  setUp: `${about}await tf.setBackend('${engine}');`,
  backend: 'tfjs()',
});
/** TensorFlow.js looks for them there; what a bundler puts elsewhere it does not find. */
const WASM_FILES =
  '// in a page: the .wasm files of @tensorflow/tfjs-backend-wasm/wasm-out have to lie beside it, or where setWasmPaths says\n';
const onnxruntime = (entry: string, provider: string): EngineCode => ({
  packages: ['@sgd/onnxruntime', 'onnxruntime-web'],
  imports: [`import { onnxruntime } from '@sgd/onnxruntime';`],
  setUp: `const ort = await import('${entry}');`,
  backend: `onnxruntime({ ort, executionProviders: ['${provider}'] })`,
  asynchronous: true,
});
const gpujs = (mode: string): EngineCode => ({
  packages: ['@sgd/gpujs', 'gpu.js'],
  imports: [`import { gpujs } from '@sgd/gpujs';`],
  backend: `gpujs({ mode: '${mode}' })`,
});

const CODE: Readonly<Record<string, EngineCode>> = {
  cpu: { packages: ['@sgd/cpu'], imports: [`import { cpu } from '@sgd/cpu';`], backend: 'cpu()' },
  wasm: { packages: ['@sgd/wasm'], imports: [`import { wasm } from '@sgd/wasm';`], backend: 'await wasm()' },
  'tfjs:cpu': tfjs('cpu'),
  'tfjs:wasm': tfjs('wasm', WASM_FILES),
  'tfjs:webgl': tfjs('webgl'),
  'tfjs:webgpu': tfjs('webgpu'),
  'onnxruntime:wasm': onnxruntime('onnxruntime-web', 'wasm'),
  'onnxruntime:webgpu': onnxruntime('onnxruntime-web/webgpu', 'webgpu'),
  'gpujs:cpu': gpujs('cpu'),
  'gpujs:webasm': gpujs('webasm'),
  'gpujs:webgl2': gpujs('webgl2'),
  'gpujs:webgl': gpujs('webgl'),
  'gpujs:webgpu': {
    packages: ['@sgd/gpujs', 'gpu.js'],
    imports: [`import { gpujsAsync } from '@sgd/gpujs';`],
    backend: 'gpujsAsync()',
    asynchronous: true,
  },
};

/** @throws Error for a backend that it does not know */
export function engineCode(backend: string): EngineCode {
  const code = CODE[backend];
  if (!code) throw new Error(`no code for the backend ${backend}`);
  return code;
}
