import type { Step } from '@sgd/core';
import { engineOf } from './engines.ts';
import { type Arrays, stepInLoops } from './loops.ts';
import { stepByOps } from './ops.ts';
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
  return ops('no faster way is known for this engine');
}

function hasArrays(backend: unknown): backend is Arrays {
  const { data, refCount } = backend as Partial<Arrays>;
  return typeof data?.get === 'function' && typeof refCount === 'function';
}
