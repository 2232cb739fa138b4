import { wasmModule, wasmProbe } from '@sgd/compile';
import { SgdError, type SgdErrorCode } from '@sgd/core';

/** A WebAssembly memory. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

// The types of WebAssembly are those of the DOM, or of Node; this needs neither.
interface Engine {
  readonly Memory: new (limits: { initial: number; maximum: number }) => Memory;
}

const engine = (): Engine => (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;

/** What an engine call gives; what it throws becomes an `SgdError`. */
export function attempt<T>(code: SgdErrorCode, what: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw new SgdError(code, `${what}: ${String(cause)}`, { cause });
  }
}

/**
 * The module of these bytes.
 *
 * @throws SgdError `SGD_UNSUPPORTED`: there is no WebAssembly with SIMD
 */
export function compileModule(bytes: Uint8Array): object {
  return attempt(
    'SGD_UNSUPPORTED',
    "wasm needs SIMD, and 'wasm-unsafe-eval' of a security policy; @sgd/cpu does not",
    () => wasmModule(bytes),
  );
}

/**
 * A memory of so many bytes, in pages of 64 KiB.
 *
 * @throws SgdError `SGD_UNSUPPORTED`: there is no WebAssembly with SIMD; `SGD_INVALID_OPTION`: these are no numbers of bytes, or the
 * engine does not have as many
 */
export function makeMemory(reserve: number, maximum: number): Memory {
  compileModule(wasmProbe());
  return attempt('SGD_INVALID_OPTION', `wasm: reserve ${reserve}, maximum ${maximum}`, () => {
    const [initial, most] = [reserve, maximum].map((bytes) => (bytes >= 0 ? Math.ceil(bytes / 65536) : NaN));
    return new (engine().Memory)({ initial: initial! + 1, maximum: most! });
  });
}
