import { SGD } from '@sgd/core';
import { onnxruntime } from '@sgd/onnxruntime';

// not a static import: see the README about threads
const ort = await import('onnxruntime-web/wasm');
ort.env.wasm.numThreads = 2; // what it takes by itself on four cores, where a page is cross-origin isolated
const weights = new Float32Array(100_000).fill(1);
const optimizer = new SGD({ learningRate: 0.5, momentum: 0.9 }, onnxruntime({ ort }));
await optimizer.build({ weights });
for (let step = 0; step < 3; step++) await optimizer.apply({ weights: new Float32Array(100_000).fill(0.5) });
document.querySelector('output')!.textContent = `${weights[0]} ${weights[99_999]} ${crossOriginIsolated}`;
await optimizer.dispose();
