import { type WasmExports, type WasmImports, WasmProgram } from './program.ts';

/** A WebAssembly memory. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

// The types of WebAssembly are those of the DOM, or of Node; this needs neither.
interface Host {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: { env: WasmImports }) => { readonly exports: WasmExports };
}

const host = (): Host => (globalThis as unknown as { WebAssembly: Host }).WebAssembly;

/** By their bytes, of which there is one array for the same code. */
const modules = new WeakMap<Uint8Array, object>();

/** The module of these bytes, made once for the same array. Throws what WebAssembly throws where SIMD, or all of it, is missing or forbidden. */
export function wasmModule(bytes: Uint8Array): object {
  let module = modules.get(bytes);
  if (module === undefined) {
    module = new (host().Module)(bytes);
    modules.set(bytes, module);
  }
  return module;
}

/**
 * A new instance of a module over a memory.
 *
 * @param feed - default: gradients are never streamed
 */
export function wasmInstance(module: object, memory: WasmMemory, feed: WasmImports['feed'] = () => 0): WasmExports {
  return new (host().Instance)(module, { env: { memory, feed, pow: Math.pow } }).exports;
}

const probes = new Map<boolean, Uint8Array>();

/**
 * A module without kernels: it starts where those with kernels do.
 *
 * @param isShared - whether threads share the memory. Default `false`
 */
export function wasmProbe(isShared = false): Uint8Array {
  let probe = probes.get(isShared);
  if (probe === undefined) {
    probe = new WasmProgram({ scalars: [], isShared }).bytes();
    probes.set(isShared, probe);
  }
  return probe;
}
