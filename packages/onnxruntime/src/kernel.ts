import { type Engine, load, unload } from './engine.ts';
import type { Model } from './models.ts';
import type { OrtTensor, OrtTensors } from './ort.ts';

/** A model that is loaded, for tensors on the host. */
export interface Kernel {
  readonly model: Model;
  /** Runs it on those of the tensors that it takes. What comes out is in memory of its own. */
  run(tensors: OrtTensors): Promise<OrtTensors>;
  dispose(): Promise<void>;
}

/** Loads a model. */
export async function loadKernel(engine: Engine, model: Model): Promise<Kernel> {
  const session = await load(engine, model.bytes);
  const inputs = [...model.arrays, ...model.numbers];
  const fetches = Object.fromEntries(model.outputs.map((name) => [name, null]));
  return {
    model,
    run(tensors) {
      const feeds: Record<string, OrtTensor> = {};
      for (const name of inputs) feeds[name] = tensors[name]!;
      return session.run(feeds, fetches);
    },
    dispose: () => unload(engine, model.bytes),
  };
}
