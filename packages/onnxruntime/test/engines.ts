import type { InferenceSession } from 'onnxruntime-node';
import type { Ort, OrtTensor } from '../src/ort.ts';

/** An `ort` module with what tests look at. */
export interface TestOrt extends Omit<Ort, 'InferenceSession'> {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: object): Promise<InferenceSession>;
  } & Ort['InferenceSession'];
}

/** The module behind a variant of the conformance entry. */
export async function loadOrt(variant: string): Promise<TestOrt> {
  const module = variant === 'node' ? await import('onnxruntime-node') : await import('onnxruntime-web');
  // errors are looked at where they are thrown; what is printed besides is of no use
  module.env.logLevel = 'fatal';
  return module as unknown as TestOrt;
}

/** The same module, with a note of each session that is made and released. */
export function counted(ort: Ort): { readonly ort: Ort; readonly live: () => number; readonly log: string[] } {
  const log: string[] = [];
  let count = 0;
  let live = 0;
  const create: Ort['InferenceSession']['create'] = async (model, options) => {
    const session = await ort.InferenceSession.create(model, options);
    const name = `session ${count++}`;
    live++;
    log.push(`${name} made`);
    return {
      run: (feeds, fetches) => session.run(feeds, fetches),
      async release() {
        live--;
        log.push(`${name} released`);
        await session.release();
      },
    };
  };
  return { ort: { Tensor: ort.Tensor, env: ort.env, InferenceSession: { create } }, live: () => live, log };
}

/** The same module, which calls `after` when a run has done its work, with the number of the run; the run fails if that throws. */
export function hooked(ort: Ort, after: (run: number) => void): Ort {
  let runs = 0;
  const create: Ort['InferenceSession']['create'] = async (model, options) => {
    const session = await ort.InferenceSession.create(model, options);
    return {
      async run(feeds, fetches) {
        const made = await session.run(feeds, fetches);
        after(runs++);
        return made;
      },
      release: () => session.release(),
    };
  };
  return { Tensor: ort.Tensor, env: ort.env, InferenceSession: { create } };
}

/** A float32 tensor. */
export const tensorOf = (ort: Ort, values: ArrayLike<number>, dims: readonly number[] = [values.length]): OrtTensor =>
  new ort.Tensor('float32', Float32Array.from(values), dims);
