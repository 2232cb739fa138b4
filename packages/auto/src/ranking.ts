// Written by `npm run ranking`: what apps/bench measured. Not to be changed by hand.
import type { Figures } from './figures.ts';

export const RANKING: { readonly node?: Figures; readonly browser?: Figures } = {
  node: {
    machine: 'AMD EPYC, 2 cores, Linux x64, Node v20.20.2',
    rows: [
      {
        name: 'wasm',
        elements: 10,
        nanosecondsPerElement: 31.8,
      },
      {
        name: 'cpu',
        elements: 10,
        nanosecondsPerElement: 19.9,
      },
      {
        name: 'onnxruntime:node',
        elements: 10,
        nanosecondsPerElement: 3040,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 10,
        nanosecondsPerElement: 2980,
      },
      {
        name: 'gpujs:cpu',
        elements: 10,
        nanosecondsPerElement: 757,
      },
      {
        name: 'gpujs:webasm',
        elements: 10,
        nanosecondsPerElement: 1260,
      },
      {
        name: 'wasm',
        elements: 100,
        nanosecondsPerElement: 3.36,
      },
      {
        name: 'cpu',
        elements: 100,
        nanosecondsPerElement: 4.86,
      },
      {
        name: 'onnxruntime:node',
        elements: 100,
        nanosecondsPerElement: 320,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 100,
        nanosecondsPerElement: 303,
      },
      {
        name: 'gpujs:cpu',
        elements: 100,
        nanosecondsPerElement: 102,
      },
      {
        name: 'gpujs:webasm',
        elements: 100,
        nanosecondsPerElement: 138,
      },
      {
        name: 'wasm',
        elements: 1000,
        nanosecondsPerElement: 0.583,
      },
      {
        name: 'cpu',
        elements: 1000,
        nanosecondsPerElement: 2.22,
      },
      {
        name: 'onnxruntime:node',
        elements: 1000,
        nanosecondsPerElement: 37.1,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 1000,
        nanosecondsPerElement: 33,
      },
      {
        name: 'gpujs:cpu',
        elements: 1000,
        nanosecondsPerElement: 13,
      },
      {
        name: 'gpujs:webasm',
        elements: 1000,
        nanosecondsPerElement: 18.1,
      },
      {
        name: 'wasm',
        elements: 100000,
        nanosecondsPerElement: 0.35,
      },
      {
        name: 'cpu',
        elements: 100000,
        nanosecondsPerElement: 2.54,
      },
      {
        name: 'onnxruntime:node',
        elements: 100000,
        nanosecondsPerElement: 4.57,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 100000,
        nanosecondsPerElement: 5.1,
      },
      {
        name: 'gpujs:cpu',
        elements: 100000,
        nanosecondsPerElement: 9.62,
      },
      {
        name: 'gpujs:webasm',
        elements: 100000,
        nanosecondsPerElement: 3.62,
      },
      {
        name: 'wasm',
        elements: 1000000,
        nanosecondsPerElement: 0.495,
      },
      {
        name: 'cpu',
        elements: 1000000,
        nanosecondsPerElement: 2.57,
      },
      {
        name: 'onnxruntime:node',
        elements: 1000000,
        nanosecondsPerElement: 3.69,
      },
      {
        name: 'onnxruntime:wasm',
        elements: 1000000,
        nanosecondsPerElement: 3.12,
      },
      {
        name: 'gpujs:cpu',
        elements: 1000000,
        nanosecondsPerElement: 6.36,
      },
      {
        name: 'gpujs:webasm',
        elements: 1000000,
        nanosecondsPerElement: 4.66,
      },
    ],
  },
};
