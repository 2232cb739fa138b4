import { SGD } from '@sgd/core';
import { wasm } from '@sgd/wasm';

// what the test of the browser runs in a worker
const engine = await wasm();
const w = engine.from([1, 1]);
const optimizer = new SGD({ learningRate: 0.5 }, engine);
optimizer.build({ w });
optimizer.apply({ w: new Float32Array([1, 2]) });
postMessage(Array.from(w.data));
