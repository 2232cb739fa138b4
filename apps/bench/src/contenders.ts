import { existsSync } from 'node:fs';
import type { Contender } from './contender.ts';
import { cpu } from './contenders/cpu.ts';
import { engine } from './contenders/engine.ts';
import { loop } from './contenders/loop.ts';
import { trainCpu, trainWasm } from './contenders/tf-train.ts';
import { wasmArena, wasmArrays, wasmNoCopyBack } from './contenders/wasm.ts';

const runtime = new URL('../../../packages/onnxruntime/node_modules', import.meta.url);
const withoutRuntime = (): boolean => !existsSync(runtime);

/** Found by their names, with tensors of their own. ONNX Runtime is installed only when it is asked for. */
const ENGINES = ['tfjs:cpu', 'tfjs:wasm', 'onnxruntime:node', 'onnxruntime:wasm', 'gpujs:cpu', 'gpujs:webasm'].map(
  (name) => engine(name, name.startsWith('onnxruntime') ? withoutRuntime : undefined),
);

/** All that take part, in the order of the tables. Another one is a file in `contenders/` and its name here. */
export const CONTENDERS: readonly Contender[] = [
  wasmArena,
  wasmArrays,
  wasmNoCopyBack,
  cpu,
  loop,
  ...ENGINES,
  trainCpu,
  trainWasm,
];
