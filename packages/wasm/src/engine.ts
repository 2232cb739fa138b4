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

function compile(options: number): object {
  // in the place of each load of the options an `i32.const`, made as long as that by digits of 0 and two `nop`s
  const digits = [0, 7, 14, 21, 28].map((bit) => ((options >> bit) & 127) + (bit < 28 ? 128 : 0));
  const constant = [0x41, ...digits, 1, 1].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const bytes = kernels.replaceAll('_', constant).match(/../g)!;
  return new (engine().Module)(Uint8Array.from(bytes, (byte) => parseInt(byte, 16)));
}

/**
 * The module for a set of options.
 *
 * @throws SgdError `SGD_UNSUPPORTED`: there is no WebAssembly with SIMD
 */
function moduleOf(options: number): object {
  const module =
    modules.get(options) ??
    attempt('SGD_UNSUPPORTED', "wasm needs SIMD, and 'wasm-unsafe-eval' of a security policy; @sgd/cpu does not", () =>
      compile(options),
    );
  modules.set(options, module);
  return module;
}

/** The kernels of a set of options, over a memory. */
export const instantiate = (options: number, memory: Memory): Kernel =>
  new (engine().Instance)(moduleOf(options), { env: { memory } }).exports.step;

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
