/** The backends that a page can have, by engine. Their names are those of packages and variants: `tfjs:wasm`. */
export const ENGINES: readonly { readonly title: string; readonly backends: readonly string[] }[] = [
  { title: 'Typed arrays', backends: ['cpu', 'wasm'] },
  { title: 'TensorFlow.js', backends: ['tfjs:cpu', 'tfjs:wasm', 'tfjs:webgl', 'tfjs:webgpu'] },
  { title: 'ONNX Runtime', backends: ['onnxruntime:wasm', 'onnxruntime:webgpu'] },
  { title: 'gpu.js', backends: ['gpujs:cpu', 'gpujs:webasm', 'gpujs:webgl2', 'gpujs:webgl', 'gpujs:webgpu'] },
];

export const BACKENDS: readonly string[] = ENGINES.flatMap(({ backends }) => backends);
