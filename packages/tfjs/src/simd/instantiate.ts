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

function compile(options: number, shared: boolean): object {
  const { WebAssembly: engine } = globalThis as unknown as { WebAssembly: Engine };
  // in the place of each load of the options an `i32.const`, made as long as that by four `nop`s
  const constant = [0x41, (options & 127) | 128, ((options >> 7) & 127) | 128, options >> 14, 1, 1, 1, 1];
  const bytes: number[] = [];
  let from = -40;
  for (const character of kernels) {
    const code = character.charCodeAt(0);
    if (code < 34) from = 91 * (code - 31) - 40;
    else {
      if (code > 125) bytes.push(...constant);
      else bytes.push((code + from) & 255);
      from = -40;
    }
  }
  if (shared) share(bytes);
  return new engine.Module(Uint8Array.from(bytes));
}

/** Makes the import of a memory, whose limits are two bytes at the end of the imports, one of a memory that threads share. */
function share(bytes: number[]): void {
  const imports = 11 + bytes[9]!; // after the types comes a 2, then the length
  bytes.splice(imports + bytes[imports]! - 1, 2, 3, 0, 0x80, 0x80, 4);
  bytes[imports]! += 3;
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
  kernel = new engine.Instance(module, { env: { memory, feed() {} } }).exports.step;
  own.set(options, kernel);
  return kernel;
}
