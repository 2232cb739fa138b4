import type { OnnxRuntimeBackend } from '@sgd/onnxruntime';
import { SGD } from '@sgd/core';
import type { GpujsBackend } from '@sgd/gpujs';
import type { TfjsBackend } from '@sgd/tfjs';
import { expectTypeOf, it } from 'vitest';
import { cpuCandidate, selectBackend, selectFrom, type BackendSelection, wasmCandidate } from '../src/index.ts';

it('the type of the backend follows where gradients are', () => {
  expectTypeOf(selectBackend({ gradients: 'tfjs' }))
    .resolves.toHaveProperty('backend')
    .toEqualTypeOf<TfjsBackend>();
  expectTypeOf(selectBackend({ gradients: 'onnxruntime' }))
    .resolves.toHaveProperty('backend')
    .toEqualTypeOf<OnnxRuntimeBackend>();
  expectTypeOf<BackendSelection<'gpujs'>['backend']>().toEqualTypeOf<GpujsBackend<'sync'> | GpujsBackend<'async'>>();
});

it('steps over typed arrays are synchronous', async () => {
  const { backend } = await selectBackend({ workload: { shapes: [[2]] } });
  const optimizer = new SGD({}, backend);
  optimizer.build([new Float32Array(2)]);
  expectTypeOf(optimizer.apply([new Float32Array(2)])).toEqualTypeOf<boolean>();
  expectTypeOf(await selectFrom([wasmCandidate, cpuCandidate])).toEqualTypeOf<BackendSelection<'host'>>();
});
