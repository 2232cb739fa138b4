// Written by `npm run ranking`. Not to be changed by hand.
import type { Figures } from './figures.ts';

export const RANKING: { readonly node?: Figures; readonly browser?: Figures } = {
  node: {
    machine: 'AMD EPYC, 2 cores, Linux x64, Node v20.20.2',
    elements: [10, 100, 1000, 100000, 1000000],
    nanoseconds: {
      wasm: [24.4, 2.61, 0.507, 0.362, 0.406],
      cpu: [20.7, 4.43, 2.25, 2.59, 2.62],
      'onnxruntime:node': [2610, 263, 28.4, 2.27, 1.99],
      'onnxruntime:wasm': [2780, 288, 31.9, 2.83, 2.9],
      'gpujs:webasm': [1240, 142, 16.6, 6.01, 4.94],
      'gpujs:cpu': [781, 91.7, 13.4, 7.99, 6.55],
    },
    software: [],
  },
  browser: {
    machine: 'AMD EPYC, 2 cores, Linux x64, Chromium 156; a program, SwiftShader, plays the GPU',
    elements: [10, 100, 1000, 100000, 1000000],
    nanoseconds: {
      wasm: [31, 3.17, 0.536, 0.358, 0.401],
      cpu: [30.5, 5.05, 2.68, 2.69, 2.88],
      'onnxruntime:webgpu': [201000, 17800, 1930, 63.1, 36.3],
      'onnxruntime:wasm': [3940, 326, 63.3, 5.97, 6.07],
      'gpujs:webgl2': [3490, 457, 47, 10.3, 14.7],
      'gpujs:webgl': [3170, 413, 53.7, 19.5, 81.1],
      'gpujs:webasm': [670, 70, 16.4, 6.35, 8.07],
      'gpujs:cpu': [296, 42.8, 14.4, 7.09, 7.97],
      'gpujs:webgpu': [30400, 2710, 291, 58.6, 45.4],
    },
    software: ['onnxruntime:webgpu', 'gpujs:webgl2', 'gpujs:webgl', 'gpujs:webgpu'],
  },
};
