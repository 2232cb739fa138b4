import { SgdError } from '@sgd/core';
import type { GpuDevice } from './gpu.ts';
import type { ExecutionProvider, Ort, OrtSession, SessionOptions } from './ort.ts';

/** What `onnxruntime` takes. */
export interface OnnxRuntimeOptions {
  /** Your own module: `onnxruntime-web`, by any of its entries, or `onnxruntime-node`. */
  readonly ort: Ort;
  /** As for `InferenceSession.create`; left out, what the module chooses. */
  readonly executionProviders?: readonly ExecutionProvider[];
  /** Your own `GPUDevice`, for the provider `"webgpu"`, which is then the default. */
  readonly device?: GpuDevice | undefined;
}

/** All of {@link OnnxRuntimeOptions}. */
export const OPTIONS: readonly (keyof OnnxRuntimeOptions)[] = ['ort', 'executionProviders', 'device'];

/** Sessions over one `ort` module with the same options. */
export interface Engine {
  readonly ort: Ort;
  readonly options: SessionOptions;
  /** Whether it computes on a GPU. */
  readonly gpu: boolean;
  /** The caller's own, on WebGPU. */
  readonly device: GpuDevice | undefined;
  /** Loaded models by their bytes, and how many use each. */
  readonly loaded: Map<string, { users: number; readonly session: Promise<OrtSession> }>;
}

/** Reads the options of a backend. */
export function newEngine({ ort, device, executionProviders }: OnnxRuntimeOptions): Engine {
  const named = (executionProviders ?? (device ? ['webgpu'] : [])).map((each) =>
    typeof each === 'string' ? { name: each } : each,
  );
  const gpu = named.some(({ name }) => name === 'webgpu');
  if (device && !gpu) {
    throw new SgdError('SGD_INVALID_OPTION', 'device: only for the execution provider webgpu');
  }
  const providers = named.map((each) => (device && each.name === 'webgpu' ? { ...each, device } : each));
  return {
    ort,
    device,
    gpu,
    options: providers.length > 0 ? { executionProviders: providers } : {},
    loaded: new Map(),
  };
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
const providersOf = ({ executionProviders = [] }: SessionOptions): string =>
  executionProviders.map((each) => (typeof each === 'string' ? each : each.name)).join(', ') || 'default';

/** Loads a model. */
export async function create({ ort, options }: Engine, bytes: Uint8Array, more?: SessionOptions): Promise<OrtSession> {
  if ((ort.env as { readonly wasm?: { readonly proxy?: boolean } }).wasm?.proxy)
    throw new SgdError('SGD_UNSUPPORTED', 'onnxruntime: env.wasm.proxy detaches arrays, expected it off');
  try {
    return await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, ...options, ...more });
  } catch (cause) {
    const message = `onnxruntime, execution provider ${providersOf(options)}: ${String(cause)}`;
    throw new SgdError('SGD_BACKEND', message, { cause });
  }
}

/** Loads a model, or takes it from those that are loaded. */
export function load(engine: Engine, bytes: Uint8Array): Promise<OrtSession> {
  const { loaded } = engine;
  const key = bytes.join();
  let entry = loaded.get(key);
  if (!entry) loaded.set(key, (entry = { users: 0, session: create(engine, bytes) }));
  entry.users++;
  entry.session.catch(() => loaded.delete(key));
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
