/**
 * ONNX Runtime as an engine for `@sgd/core`: every optimizer as ONNX graphs, on web and node.
 *
 * @packageDocumentation
 */
export { onnxruntime, type OnnxRuntimeBackend } from './backend.ts';
export type { OnnxRuntimeOptions } from './engine.ts';
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
export {
  type TrainingBackend,
  type TrainingOptimizer,
  type TrainingOptions,
  type TrainingResult,
  type TrainingSession,
  trainingSession,
} from './training.ts';
