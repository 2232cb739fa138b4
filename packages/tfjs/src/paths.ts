import type { Step } from '@sgd/core';
import { engineOf } from './engines.ts';
import { computeOnWebgl, computeOnWebgpu, type Webgl, type Webgpu } from './gpu.ts';
import { type Arrays, stepInLoops } from './loops.ts';
import { stepByOps } from './ops.ts';
import type { Compute } from './programs.ts';
import { instantiate } from './simd/instantiate.ts';
import { type Heap, memoryOf, stepInWasm } from './simd/step.ts';
import type { State } from './state.ts';
import type { Tensor, TensorFlow } from './tf.ts';

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
  readonly step: (state: State, step: Step, gradients: readonly Tensor[], indices: readonly number[]) => boolean;
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
    const why = 'a SIMD kernel on the memory of the engine';
    return found === null ? { engine, path: 'fused', why, step: stepInWasm } : ops(found);
  }
  const compute = programsOf(engine, tf);
  if (typeof compute === 'string') return ops(compute);
  return {
    engine,
    path: 'fused',
    why: 'programs of the device for what is done to each element',
    step: (state, step, gradients, indices) => stepByOps(state, step, gradients, indices, compute),
  };
}

/** What runs programs on this engine, or why there is nothing. */
function programsOf(engine: string, tf: TensorFlow): Compute | string {
  if (engine !== 'webgl' && engine !== 'webgpu') return 'no faster way is known for this engine';
  const { compileAndRun, runWebGPUProgram } = tf.backend() as unknown as Partial<Webgl & Webgpu>;
  if (typeof (engine === 'webgl' ? compileAndRun : runWebGPUProgram) !== 'function')
    return `this version of tfjs-backend-${engine} looks another inside`;
  return engine === 'webgl' ? computeOnWebgl : computeOnWebgpu;
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
      if (memory) instantiate(0, memory);
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
