/**
 * ONNX Runtime as an engine for `@sgd/core`: the step as an ONNX graph, on web and node.
 *
 * @packageDocumentation
 */
export { onnxruntime, type OnnxRuntimeBackend, type OnnxRuntimeOptions } from './backend.ts';
export type { GpuBuffer, GpuDevice } from './gpu.ts';
export type {
  ExecutionProvider,
  GpuTensorOptions,
  Ort,
  OrtSession,
  OrtTensor,
  OrtTensors,
  SessionOptions,
} from './ort.ts';
export type { OnnxTensor } from './tensor.ts';
