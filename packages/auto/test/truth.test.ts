import '@tensorflow/tfjs-backend-cpu';
import gpujs from '@sgd/gpujs/conformance';
import onnxruntime from '@sgd/onnxruntime/conformance';
import { setBackend } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { checkAll, untrue } from './truth.ts';

it('every line of the report is true in Node', async () => {
  await setBackend('cpu');
  const checked = await checkAll(async (name) => {
    const [engine, variant] = name.split(':');
    return engine === 'gpujs' ? gpujs(variant) : onnxruntime(variant);
  });
  expect(untrue(checked)).toEqual([]);
  const running = checked.filter(({ said }) => said === 'runs').map(({ name }) => name);
  expect(running).toEqual(['wasm', 'cpu', 'tfjs', 'onnxruntime:node', 'onnxruntime:wasm', 'gpujs:webasm', 'gpujs:cpu']);
});
