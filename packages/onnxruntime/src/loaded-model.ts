import { type Engine, load, unload } from './engine.ts';
import type { OrtSession, OrtTensor, OrtTensors } from './ort.ts';

/** A model in ONNX Runtime, that others may use too. */
export class LoadedModel {
  readonly bytes: Uint8Array;
  readonly #engine: Engine;
  readonly #session: OrtSession;

  private constructor(engine: Engine, bytes: Uint8Array, session: OrtSession) {
    this.#engine = engine;
    this.bytes = bytes;
    this.#session = session;
  }

  /** Loads a model, unless that was done. */
  static async load(engine: Engine, bytes: Uint8Array): Promise<LoadedModel> {
    return new LoadedModel(engine, bytes, await load(engine, bytes));
  }

  /** A fetch that is `null` is allocated. */
  run(feeds: OrtTensors, fetches: Readonly<Record<string, OrtTensor | null>>): Promise<OrtTensors> {
    return this.#session.run(feeds, fetches);
  }

  /** Gives it back; the last one unloads it. */
  dispose(): Promise<void> {
    return unload(this.#engine, this.bytes);
  }
}
