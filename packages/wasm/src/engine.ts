import { SgdError, type SgdErrorCode } from '@sgd/core';
import { kernels } from './kernels.ts';

/** A WebAssembly memory. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** See `step` in `assembly/step.ts`. */
export type Kernel = (
  numbers: number,
  variables: number,
  count: number,
  order: number,
  given: number,
  flags: number,
) => number;

// The types of WebAssembly are those of the DOM, or of Node; this needs neither.
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly step: Kernel } };
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

/** By options: compiled once, for all arenas. */
const modules = new Map<number, object>();

/** The kernels of a set of options, as bytes of a module. `scripts/compile.mjs` says how they are written. */
export function codeOf(options: number): Uint8Array {
  // in the place of each load of the options an `i32.const`, made as long as that by four `nop`s
  const constant = [0x41, (options & 127) | 128, ((options >> 7) & 127) | 128, options >> 14, 1, 1, 1, 1];
  const bytes: number[] = [];
  let from = -40;
  for (const character of kernels) {
    const code = character.charCodeAt(0);
    if (code < 34) from = 91 * (code - 31) - 40;
    else {
      if (code > 125) bytes.push(...constant);
      else bytes.push(code + from);
      from = -40;
    }
  }
  return Uint8Array.from(bytes);
}

/**
 * The module for a set of options.
 *
 * @throws SgdError `SGD_UNSUPPORTED`: there is no WebAssembly with SIMD
 */
function moduleOf(options: number): object {
  const module =
    modules.get(options) ??
    attempt(
      'SGD_UNSUPPORTED',
      "wasm needs SIMD, and 'wasm-unsafe-eval' of a security policy; @sgd/cpu does not",
      () => new (engine().Module)(codeOf(options)),
    );
  modules.set(options, module);
  return module;
}

/** See `feed` in `assembly/pieces.ts`. */
export type Feed = (gradient: number, at: number, bytes: number) => number;

/** The kernels of a set of options, over a memory. */
export const instantiate = (options: number, memory: Memory, feed: Feed): Kernel =>
  new (engine().Instance)(moduleOf(options), { env: { memory, feed } }).exports.step;

/**
 * A memory of so many bytes, in pages of 64 KiB.
 *
 * @throws SgdError `SGD_UNSUPPORTED`: there is no WebAssembly with SIMD; `SGD_INVALID_OPTION`: these are no numbers of bytes, or the
 * engine does not have as many
 */
export function makeMemory(reserve: number, maximum: number): Memory {
  moduleOf(0);
  return attempt('SGD_INVALID_OPTION', `wasm: reserve ${reserve}, maximum ${maximum}`, () => {
    const [initial, most] = [reserve, maximum].map((bytes) => (bytes >= 0 ? Math.ceil(bytes / 65536) : NaN));
    return new (engine().Memory)({ initial: initial! + 1, maximum: most! });
  });
}
