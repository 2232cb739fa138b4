// Written by `npm run ranking`. Not to be changed by hand.
import type { Figures } from './figures.ts';

export const RANKING: { readonly node?: Figures; readonly browser?: Figures } = {
  node: {
    machine: 'AMD EPYC, 2 cores, Linux x64, Node v20.20.2',
    elements: [10, 100, 1000, 100000, 1000000],
    nanoseconds: {
      wasm: [33.2, 3.41, 0.572, 0.357, 0.51],
      cpu: [23, 4.85, 2.23, 2.54, 2.56],
      'onnxruntime:node': [3290, 314, 32.6, 3.65, 4.99],
      'onnxruntime:wasm': [4700, 311, 33.2, 4.27, 3.4],
      'gpujs:cpu': [808, 99, 13.3, 6.97, 6.68],
      'gpujs:webasm': [1400, 119, 17.5, 3.89, 4.91],
    },
    software: [],
  },
  browser: {
    machine:
      'AMD EPYC, 2 cores, Linux x64, Chromium 156; a program plays the GPU: ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)',
    elements: [10, 100, 1000, 100000, 1000000],
    nanoseconds: {
      wasm: [32.2, 4.48, 0.739, 0.384, 0.435],
      cpu: [31.3, 6.27, 3.71, 2.98, 2.83],
      'onnxruntime:webgpu': [219000, 22600, 2160, 60.5, 71],
      'onnxruntime:wasm': [3910, 568, 74.8, 7.25, 6.42],
      'gpujs:webgl2': [3690, 394, 57.7, 9.79, 24.9],
      'gpujs:webgl': [3240, 368, 58, 18.2, 96.3],
      'gpujs:webasm': [669, 77, 18.7, 7.1, 8.01],
      'gpujs:cpu': [291, 47.1, 17, 7.3, 7.89],
      'gpujs:webgpu': [24500, 2490, 324, 50.2, 88.4],
    },
    software: ['onnxruntime:webgpu', 'gpujs:webgl2', 'gpujs:webgl', 'gpujs:webgpu'],
  },
};
