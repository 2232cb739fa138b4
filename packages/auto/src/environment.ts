/** What can be imported, and so be missing. */
export type ModuleName =
  | '@sgd/cpu'
  | '@sgd/wasm'
  | '@sgd/tfjs'
  | '@sgd/onnxruntime'
  | '@sgd/gpujs'
  | '@tensorflow/tfjs-core'
  | 'onnxruntime-node'
  | 'onnxruntime-web'
  | 'onnxruntime-web/wasm'
  | 'onnxruntime-web/webgpu';

interface WebAssemblyLike {
  readonly validate: (bytes: Uint8Array) => boolean;
  readonly Module: new (bytes: Uint8Array) => object;
}

/** What is used of a WebGL context. */
export interface WebGl {
  readonly RENDERER: number;
  getParameter(name: number): unknown;
  getExtension(name: string): unknown;
  isContextLost(): boolean;
}

interface CanvasLike {
  getContext(kind: 'webgl2' | 'webgl'): WebGl | null;
}

/** What is used of a WebGPU adapter. */
export interface GpuAdapter {
  readonly isFallbackAdapter?: boolean;
  readonly info?: {
    readonly vendor?: string;
    readonly architecture?: string;
    readonly description?: string;
    readonly isFallbackAdapter?: boolean;
  };
  requestDevice(): Promise<{ destroy(): void }>;
}

interface DocumentLike {
  createElement(name: 'canvas'): CanvasLike;
}

interface GpuLike {
  requestAdapter(): Promise<GpuAdapter | null>;
}

/**
 * What probes look at: the global objects that they try out, and, by their names, modules that are to be imported in another way. By
 * default `globalThis` and plain `import()`. Give another one to see what would be chosen elsewhere.
 */
export interface Environment {
  /** Without it, or where SIMD does not compile, there is no wasm. */
  readonly WebAssembly?: WebAssemblyLike | undefined;
  /** A policy may forbid that it compiles texts, as gpu.js does. */
  readonly Function?: FunctionConstructor | undefined;
  /** Where WebGL is tried. */
  readonly OffscreenCanvas?: (new (width: number, height: number) => CanvasLike) | undefined;
  /** Where WebGL is tried, if there is no `OffscreenCanvas`. */
  readonly document?: DocumentLike | undefined;
  /** Where WebGPU is asked for an adapter. */
  readonly navigator?:
    | {
        readonly gpu?: GpuLike | undefined;
        readonly userAgent?: string | undefined;
      }
    | undefined;
  /** Tells Node. */
  readonly process?: { readonly versions?: { readonly node?: string | undefined } | undefined } | undefined;
  /** Tells an edge runtime. */
  readonly EdgeRuntime?: unknown;
  /** Tells a worker. */
  readonly WorkerGlobalScope?: unknown;
  /** Modules that are to be imported in another way than by their names. */
  readonly modules?: Readonly<Partial<Record<ModuleName, () => Promise<unknown>>>> | undefined;
}

/** Where a program runs. */
export type Runtime = 'node' | 'page' | 'worker' | 'edge' | 'other';

/** Where this is. For the report, and to know whose figures to go by: nothing is refused because of it. */
export function runtimeOf({ process, EdgeRuntime, document, WorkerGlobalScope }: Environment): Runtime {
  if (EdgeRuntime !== undefined) return 'edge';
  if (process?.versions?.node !== undefined) return 'node';
  if (document !== undefined) return 'page';
  return WorkerGlobalScope === undefined ? 'other' : 'worker';
}

/** The environment that this program is in. */
export const here = (): Environment => globalThis as unknown as Environment;

/** Why a thing does not run; the message is for the report. */
export class Unusable extends Error {
  /** Whether that is because a package is missing. */
  readonly missing: boolean;

  constructor(message: string, missing = false, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.missing = missing;
  }
}

/** The first line of what an error says. */
export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message || error.name : String(error)).split('\n', 1)[0]!;

// how Node, bundlers and browsers say that there is no such module
const MISSING =
  /cannot find (?:module|package)|could not resolve|could not be resolved|failed to (?:resolve|fetch)|is not installed|optional.peer.dep|bare specifier|ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND/i;

/**
 * Imports a module; `load` holds the `import()`, with its name in full, for bundlers to see.
 *
 * @throws Unusable when it is not installed, or does not load
 */
export async function load<T>(environment: Environment, name: ModuleName, load: () => Promise<T>): Promise<T> {
  try {
    return (await (environment.modules?.[name] ?? load)()) as T;
  } catch (cause) {
    const { code = '', message = String(cause) } = (cause ?? {}) as {
      readonly code?: string;
      readonly message?: string;
    };
    if (!MISSING.test(`${code} ${message}`))
      throw new Unusable(`${name} does not load: ${firstLine(cause)}`, false, cause);
    // a package that is there may lack another one
    const other = /(?:package|module|resolve|specifier) ["'`]((?:@[\w.-]+\/)?[\w.-]+)/i.exec(message)?.[1];
    const needed = name
      .split('/')
      .slice(0, name.startsWith('@') ? 2 : 1)
      .join('/');
    const missing = other !== undefined && !other.startsWith('.') ? other : needed;
    throw new Unusable(`npm i ${missing}`, true, cause);
  }
}
