// Written by `npm run ranking`: what apps/bench measured. Not to be changed by hand.
import type { Figures } from './figures.ts';

export const RANKING: { readonly node?: Figures; readonly browser?: Figures } = {
  node: {
    machine: 'AMD EPYC, 2 cores, Linux x64, Node v20.20.2',
    rows: [
      {
        name: 'wasm',
        elements: 10,
        nanosecondsPerElement: 33.2,
      },
      {
        name: 'cpu',
        elements: 10,
        nanosecondsPerElement: 23,
      },
      {
        name: 'tfjs:cpu',
        elements: 10,
        nanosecondsPerElement: 208,
      },
      {
        name: 'tfjs:wasm',
        elements: 10,
        nanosecondsPerElement: 567,
      },
      {
        name: 'onnxruntime:node',
        elements: 10,
        nanosecondsPerElement: 3290,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 10,
        nanosecondsPerElement: 4700,
      },
      {
        name: 'gpujs:cpu',
        elements: 10,
        nanosecondsPerElement: 808,
      },
      {
        name: 'gpujs:webasm',
        elements: 10,
        nanosecondsPerElement: 1400,
      },
      {
        name: 'wasm',
        elements: 100,
        nanosecondsPerElement: 3.41,
      },
      {
        name: 'cpu',
        elements: 100,
        nanosecondsPerElement: 4.85,
      },
      {
        name: 'tfjs:cpu',
        elements: 100,
        nanosecondsPerElement: 24.9,
      },
      {
        name: 'tfjs:wasm',
        elements: 100,
        nanosecondsPerElement: 56.8,
      },
      {
        name: 'onnxruntime:node',
        elements: 100,
        nanosecondsPerElement: 314,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 100,
        nanosecondsPerElement: 311,
      },
      {
        name: 'gpujs:cpu',
        elements: 100,
        nanosecondsPerElement: 99,
      },
      {
        name: 'gpujs:webasm',
        elements: 100,
        nanosecondsPerElement: 119,
      },
      {
        name: 'wasm',
        elements: 1000,
        nanosecondsPerElement: 0.572,
      },
      {
        name: 'cpu',
        elements: 1000,
        nanosecondsPerElement: 2.23,
      },
      {
        name: 'tfjs:cpu',
        elements: 1000,
        nanosecondsPerElement: 7.23,
      },
      {
        name: 'tfjs:wasm',
        elements: 1000,
        nanosecondsPerElement: 6.1,
      },
      {
        name: 'onnxruntime:node',
        elements: 1000,
        nanosecondsPerElement: 32.6,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 1000,
        nanosecondsPerElement: 33.2,
      },
      {
        name: 'gpujs:cpu',
        elements: 1000,
        nanosecondsPerElement: 13.3,
      },
      {
        name: 'gpujs:webasm',
        elements: 1000,
        nanosecondsPerElement: 17.5,
      },
      {
        name: 'wasm',
        elements: 100000,
        nanosecondsPerElement: 0.357,
      },
      {
        name: 'cpu',
        elements: 100000,
        nanosecondsPerElement: 2.54,
      },
      {
        name: 'tfjs:cpu',
        elements: 100000,
        nanosecondsPerElement: 7.06,
      },
      {
        name: 'tfjs:wasm',
        elements: 100000,
        nanosecondsPerElement: 0.393,
      },
      {
        name: 'onnxruntime:node',
        elements: 100000,
        nanosecondsPerElement: 3.65,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 100000,
        nanosecondsPerElement: 4.27,
      },
      {
        name: 'gpujs:cpu',
        elements: 100000,
        nanosecondsPerElement: 6.97,
      },
      {
        name: 'gpujs:webasm',
        elements: 100000,
        nanosecondsPerElement: 3.89,
      },
      {
        name: 'wasm',
        elements: 1000000,
        nanosecondsPerElement: 0.51,
      },
      {
        name: 'cpu',
        elements: 1000000,
        nanosecondsPerElement: 2.56,
      },
      {
        name: 'tfjs:cpu',
        elements: 1000000,
        nanosecondsPerElement: 6.99,
      },
      {
        name: 'tfjs:wasm',
        elements: 1000000,
        nanosecondsPerElement: 0.382,
      },
      {
        name: 'onnxruntime:node',
        elements: 1000000,
        nanosecondsPerElement: 4.99,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 1000000,
        nanosecondsPerElement: 3.4,
      },
      {
        name: 'gpujs:cpu',
        elements: 1000000,
        nanosecondsPerElement: 6.68,
      },
      {
        name: 'gpujs:webasm',
        elements: 1000000,
        nanosecondsPerElement: 4.91,
      },
    ],
  },
};
