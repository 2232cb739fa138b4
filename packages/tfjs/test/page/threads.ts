// Steps on tfjs-wasm in a page: fused, by operations, and on typed arrays. Leaves what it found in the title.
import { SGD, type SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { tfjs } from '@sgd/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

const files = ['', '-simd', '-threaded-simd'].map((kind) => `tfjs-backend-wasm${kind}.wasm`);
setWasmPaths(Object.fromEntries(files.map((file) => [file, `/${file}`])));
setThreadsCount(2);
await tf.setBackend('wasm');

const options: SGDOptions = {
  learningRate: 0.05,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
  globalClipnorm: 0.5,
  useEma: true,
  gradientAccumulationSteps: 2,
};
const wave = (phase: number): Float32Array => Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i * 0.37 + phase));

async function trained(exact: boolean): Promise<Float32Array> {
  const w = tf.variable(tf.tensor1d(wave(0)));
  const optimizer = new SGD(options, tfjs({ exact }));
  optimizer.build({ w });
  for (let step = 1; step <= 8; step++) tf.tidy(() => optimizer.apply([tf.tensor1d(wave(step))]));
  return (await w.data<'float32'>()).slice();
}

const w = wave(0);
const reference = new SGD(options, cpu());
reference.build({ w });
for (let step = 1; step <= 8; step++) reference.apply([wave(step)]);
const equal = (values: Float32Array): boolean => values.every((value, i) => Object.is(value, w[i]));
const { wasm } = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
document.title = JSON.stringify({
  isolated: crossOriginIsolated,
  shared: Object.prototype.toString.call(wasm.HEAPU8.buffer) === '[object SharedArrayBuffer]',
  path: tfjs().path(),
  fused: equal(await trained(false)),
  ops: equal(await trained(true)),
});
