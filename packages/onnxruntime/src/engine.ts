import { SgdError } from '@sgd/core';
import type { GpuDevice } from './gpu.ts';
import type { Ort, OrtSession, SessionOptions } from './ort.ts';

/** Sessions over one `ort` module with the same options. */
export interface Engine {
  readonly ort: Ort;
  readonly options: SessionOptions;
  /** The caller's own, on WebGPU. */
  readonly device: GpuDevice | undefined;
  /** Loaded models by their bytes, and how many use each. */
  readonly loaded: Map<string, { users: number; readonly session: Promise<OrtSession> }>;
}

const tails = new WeakMap<object, Promise<unknown>>();

/**
 * Runs a job when all that were given before have ended. There is one queue for each `ort` module, as two runs at a time block a
 * page for ever on WebGPU, even those of two sessions.
 */
export function enqueue<T>({ InferenceSession }: Ort, job: () => T | Promise<T>): Promise<T> {
  const done = (tails.get(InferenceSession) ?? Promise.resolve()).then(job);
  tails.set(
    InferenceSession,
    done.catch(() => {}),
  );
  return done;
}

/** The names of execution providers, for messages. */
export const providersOf = ({ executionProviders = [] }: SessionOptions): string =>
  executionProviders.map((each) => (typeof each === 'string' ? each : each.name)).join(', ') || 'default';

/** Loads a model, or takes it from those that are loaded. */
export function load(engine: Engine, bytes: Uint8Array): Promise<OrtSession> {
  const { loaded, ort, options } = engine;
  const key = bytes.join();
  let entry = loaded.get(key);
  if (!entry) {
    const session = ort.InferenceSession.create(bytes, { logSeverityLevel: 3, ...options }).catch((cause: unknown) => {
      loaded.delete(key);
      const provider = `execution provider ${providersOf(options)}`;
      throw new SgdError('SGD_BACKEND', `onnxruntime, ${provider}: ${String(cause)}`, { cause });
    });
    loaded.set(key, (entry = { users: 0, session }));
  }
  entry.users++;
  return entry.session;
}

/** Gives back what `load` gave; the last one releases the session. */
export async function unload({ loaded }: Engine, bytes: Uint8Array): Promise<void> {
  const key = bytes.join();
  const entry = loaded.get(key);
  if (!entry || --entry.users > 0) return;
  loaded.delete(key);
  await (await entry.session).release();
}
