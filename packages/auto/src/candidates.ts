import type { Candidate } from './candidate.ts';
import { cpuCandidate } from './candidates/cpu.ts';
import {
  gpujsCpuCandidate,
  gpujsHeadlessglCandidate,
  gpujsWebasmCandidate,
  gpujsWebgl2Candidate,
  gpujsWebglCandidate,
  gpujsWebgpuCandidate,
} from './candidates/gpujs.ts';
import {
  onnxruntimeNodeCandidate,
  onnxruntimeWasmCandidate,
  onnxruntimeWebgpuCandidate,
} from './candidates/onnxruntime.ts';
import { tfjsCandidate } from './candidates/tfjs.ts';
import { wasmCandidate } from './candidates/wasm.ts';

/** All that there are; of one kind of gradients in the order that is taken where no figures tell them apart. */
export const CANDIDATES: readonly Candidate[] = [
  wasmCandidate,
  cpuCandidate,
  tfjsCandidate,
  onnxruntimeWebgpuCandidate,
  onnxruntimeNodeCandidate,
  onnxruntimeWasmCandidate,
  gpujsWebgl2Candidate,
  gpujsWebglCandidate,
  gpujsWebasmCandidate,
  gpujsCpuCandidate,
  gpujsWebgpuCandidate,
  gpujsHeadlessglCandidate,
];
