import { kernels } from './kernels.ts';

/** One whole step over records in a memory; see `assembly/step.ts` of `@sgd/wasm`. Gives whether it was taken. */
export type Kernel = (
  numbers: number,
  variables: number,
  count: number,
  order: number,
  given: number,
  flags: number,
) => number;

/** A memory of WebAssembly. */
export interface Memory {
  readonly buffer: ArrayBufferLike;
}

// The types of WebAssembly are those of the DOM, or of Node; this needs neither.
interface Engine {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly step: Kernel } };
}

const modules = new Map<string, object>();
const instances = new WeakMap<Memory, Map<number, Kernel>>();

/** The import of a memory, as it is in the module, and as it must be for a memory that threads share. */
const OWN = '020f0103656e76066d656d6f7279020000';
const SHARED = '02120103656e76066d656d6f72790203008080' + '04';

function compile(options: number, shared: boolean): object {
  const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: Engine };
  // `i32.const` with as many bytes as there are, two of them `nop`s, in the place of each load of the options
  const digits = [0, 7, 14, 21, 28].map((bit) => ((options >> bit) & 127) + (bit < 28 ? 128 : 0));
  const constant = [0x41, ...digits, 1, 1].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const text = kernels.replaceAll('_', constant);
  const bytes = (shared ? text.replace(OWN, SHARED) : text).match(/../g)!;
  return new engine.Module(Uint8Array.from(bytes, (byte) => parseInt(byte, 16)));
}

/** The kernels of a set of options over a memory, made once. Throws where there is no WebAssembly with SIMD. */
export function instantiate(options: number, memory: Memory): Kernel {
  let own = instances.get(memory);
  if (!own) instances.set(memory, (own = new Map<number, Kernel>()));
  let kernel = own.get(options);
  if (kernel) return kernel;
  const shared = Object.prototype.toString.call(memory.buffer) === '[object SharedArrayBuffer]';
  const key = `${options}:${String(shared)}`;
  let module = modules.get(key);
  if (!module) modules.set(key, (module = compile(options, shared)));
  const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: Engine };
  kernel = new engine.Instance(module, { env: { memory } }).exports.step;
  own.set(options, kernel);
  return kernel;
}
