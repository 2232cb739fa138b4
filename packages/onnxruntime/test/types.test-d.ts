import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import * as wasm from 'onnxruntime-web/wasm';
import * as webgpu from 'onnxruntime-web/webgpu';
import { expectTypeOf, it } from 'vitest';
import type { Ort, OrtTensor } from '../src/ort.ts';

it('modules of ONNX Runtime are what is taken for `ort`', () => {
  expectTypeOf(node).toExtend<Ort>();
  expectTypeOf(web).toExtend<Ort>();
  expectTypeOf(wasm).toExtend<Ort>();
  expectTypeOf(webgpu).toExtend<Ort>();
  expectTypeOf<web.Tensor>().toExtend<OrtTensor>();
  expectTypeOf<node.Tensor>().toExtend<OrtTensor>();
});
