import { wasmProbe } from '@sgd/compile';
import { engineOf } from './engines.ts';
import { stepOn } from './gpu/step.ts';
import { type Webgl, webglDevice } from './gpu/webgl.ts';
import { type Webgpu, webgpuDevice } from './gpu/webgpu.ts';
import { type Arrays, stepInLoops } from './loops.ts';
import { stepByOps } from './ops.ts';
import { type Heap, memoryOf } from './simd/memory.ts';
import { stepInWasm } from './simd/step.ts';
import type { TakeStep } from './step.ts';
import type { TensorFlow } from './tf.ts';

/** Which way a step takes, and why. */
export interface PathInfo {
  /** The engine of now: `cpu`, `wasm`, `webgl`, `webgpu` or another. */
  readonly engine: string;
  /** `fused`: a few passes over memory of our own; `ops`: one operation of tfjs after the other. */
  readonly path: 'fused' | 'ops';
  /** What was found. */
  readonly why: string;
}

/** A way to take a step. */
export interface Path extends PathInfo {
  readonly step: TakeStep;
}

/** The way that a step takes on the engine of now. */
export function choosePath(tf: TensorFlow, exact: boolean): Path {
  const engine = engineOf(tf);
  const ops = (why: string): Path => ({ engine, path: 'ops', why, step: stepByOps });
  if (exact) return ops('asked for by the option exact');
  if (engine === 'none') return ops('no engine was started yet');
  if (engine === 'cpu' && hasArrays(tf.backend())) {
    return { engine, path: 'fused', why: 'loops over the arrays of the engine', step: stepInLoops };
  }
  if (engine === 'wasm') {
    const found = findKernels(tf.backend());
    const why = 'SIMD kernels in the memory of the engine';
    return found === null ? { engine, path: 'fused', why, step: stepInWasm } : ops(found);
  }
  const programs = programsOf(engine, tf);
  if (typeof programs === 'string') return ops(programs);
  return {
    engine,
    path: 'fused',
    why: 'programs of the device that do all of the rule at once',
    step: programs,
  };
}

const ON_WEBGL = stepOn(webglDevice);
const ON_WEBGPU = stepOn(webgpuDevice);

/** What runs programs on this engine, or why there is nothing. */
function programsOf(engine: string, tf: TensorFlow): TakeStep | string {
  const strange = `this version of tfjs-backend-${engine} looks another inside`;
  if (engine === 'webgl') {
    const { gpgpu, texData, uploadToGPU, compileAndRun } = tf.backend() as unknown as Partial<Webgl>;
    if (!gpgpu?.gl || !gpgpu.buildVao || !texData || !uploadToGPU || !compileAndRun) return strange;
    return 'drawBuffers' in gpgpu.gl ? ON_WEBGL : 'programs with several outputs need WebGL 2';
  }
  if (engine !== 'webgpu') return 'no faster way is known for this engine';
  const { device, tensorMap, commandQueueOwnedIds, uploadToGPU, submitQueue } =
    tf.backend() as unknown as Partial<Webgpu>;
  return device && tensorMap && commandQueueOwnedIds && uploadToGPU && submitQueue ? ON_WEBGPU : strange;
}

const examined = new WeakMap<object, string | null>();

/** Why the kernels can't run on this engine; `null` when they can. */
function findKernels(backend: object): string | null {
  let why = examined.get(backend);
  if (why !== undefined) return why;
  const heap = backend as Partial<Heap>;
  if (!heap.wasm?.HEAPU8 || !heap.dataIdMap || !heap.makeOutput || !heap.refCount)
    why = 'this version of tfjs-backend-wasm looks another inside';
  else {
    const memory = memoryOf(heap as Heap);
    try {
      why = memory ? null : 'the memory of tfjs-backend-wasm is not to be found';
      if (memory) memory.exportsOf(wasmProbe(memory.isShared));
    } catch (error) {
      why = `the kernel does not start: ${String(error)}`;
    }
  }
  examined.set(backend, why);
  return why;
}

function hasArrays(backend: unknown): backend is Arrays {
  const { data, refCount } = backend as Partial<Arrays>;
  return typeof data?.get === 'function' && typeof refCount === 'function';
}
