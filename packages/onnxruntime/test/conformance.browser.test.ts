import { conformance } from '@sgd/conformance';
import { SGD } from '@sgd/core';
import { afterAll, describe, it } from 'vitest';
import backend from '../src/conformance.ts';

describe('wasm', () => {
  conformance({ backend: () => backend('wasm'), describe, it });
});

describe('webgpu', () => {
  // ONNX Runtime makes a new device after the last session has gone, which takes longer than most of these tests: one that is kept spares it
  let kept: SGD<unknown> | undefined;
  afterAll(() => kept?.dispose());
  conformance({
    backend: async () => {
      const made = await backend('webgpu');
      kept = new SGD({}, made) as unknown as SGD<unknown>;
      await kept.build([made.variable({ data: new Float32Array(1), shape: [1] })]);
      return made;
    },
    describe,
    it,
  });
});
