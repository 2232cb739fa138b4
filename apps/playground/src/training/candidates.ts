import {
  type Candidate,
  cpuCandidate,
  gpujsCpuCandidate,
  gpujsWebasmCandidate,
  gpujsWebgl2Candidate,
  gpujsWebglCandidate,
  gpujsWebgpuCandidate,
  onnxruntimeWasmCandidate,
  onnxruntimeWebgpuCandidate,
  tfjsCandidate,
  wasmCandidate,
} from '@sgd/auto';

/**
 * TensorFlow.js on one engine, whatever engine it is on for others: `@sgd/auto` takes the one that it is on, and here two runs may be on two.
 */
const tfjsOn = (engine: 'cpu' | 'wasm' | 'webgl' | 'webgpu'): Candidate<'tfjs'> => ({
  name: `tfjs:${engine}`,
  package: '@sgd/tfjs',
  gradients: 'tfjs',
  async open(environment, given) {
    if (engine === 'wasm') await findModules();
    // of this TensorFlow.js says nothing but that it does not start
    if (engine === 'webgpu' && !(await environment.navigator?.gpu?.requestAdapter()))
      throw new Error('WebGPU has no adapter: there is no GPU, or the browser blocks it');
    const { default: pinned } = await import('@sgd/tfjs/conformance');
    const backend = await pinned(engine);
    const tf = await import('@tensorflow/tfjs-core');
    await tf.setBackend(engine);
    const { device, note } = await tfjsCandidate.open(environment, given);
    return { backend, device, note };
  },
});

/** TensorFlow.js looks for its modules beside the script, where no bundler puts them. */
async function findModules(): Promise<void> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  const files = await Promise.all([
    import('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm?url'),
    import('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm?url'),
    import('@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.wasm?url'),
  ]);
  const [plain, simd, threaded] = files.map(({ default: url }) => url) as [string, string, string];
  setWasmPaths({
    'tfjs-backend-wasm.wasm': plain,
    'tfjs-backend-wasm-simd.wasm': simd,
    'tfjs-backend-wasm-threaded-simd.wasm': threaded,
  });
}

/** All that a page can have: those of `BACKENDS`. Each engine is a chunk of its own, loaded when it is asked for. */
export const CANDIDATES: readonly Candidate[] = [
  wasmCandidate,
  cpuCandidate,
  tfjsOn('cpu'),
  tfjsOn('wasm'),
  tfjsOn('webgl'),
  tfjsOn('webgpu'),
  onnxruntimeWasmCandidate,
  onnxruntimeWebgpuCandidate,
  gpujsCpuCandidate,
  gpujsWebasmCandidate,
  gpujsWebgl2Candidate,
  gpujsWebglCandidate,
  gpujsWebgpuCandidate,
];
