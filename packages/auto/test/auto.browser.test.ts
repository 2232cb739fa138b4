import '@tensorflow/tfjs-backend-cpu';
import gpujs from '@sgd/gpujs/conformance';
import onnxruntime from '@sgd/onnxruntime/conformance';
import { setBackend } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type SelectionReport, selectBackend } from '../src/index.ts';
import { checkAll, untrue } from './truth.ts';

describe('in Chromium', () => {
  it('every line of the report is true', async () => {
    await setBackend('cpu');
    const checked = await checkAll(async (name) => {
      const [engine, variant] = name.split(':');
      return engine === 'gpujs' ? gpujs(variant) : onnxruntime(variant);
    });
    expect(untrue(checked)).toEqual([]);
    const failing = checked.filter(({ said }) => said !== 'runs').map(({ name }) => name);
    expect(failing).toEqual(['onnxruntime:node', 'gpujs:headlessgl']);
  });

  it('a GPU that is a program comes after the processor', async () => {
    const { report } = await selectBackend({ gradients: 'gpujs', workload: { shapes: [[10]] } });
    expect(report).toMatchObject({ runtime: 'page', chosen: 'gpujs:cpu' });
    const drawn = report.candidates.find(({ name }) => name === 'gpujs:webgl2');
    expect(drawn).toMatchObject({ status: 'usable', device: 'software', reason: expect.stringMatching(/SwiftShader/) });
  });

  it('chooses in a dedicated worker, too', async () => {
    const worker = new Worker(new URL('worker.ts', import.meta.url), { type: 'module' });
    const report = await new Promise<SelectionReport>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<SelectionReport>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
    worker.terminate();
    expect(report).toMatchObject({ runtime: 'worker', chosen: 'wasm' });
  });
});
