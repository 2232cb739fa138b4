import { sizeOf } from '@sgd/core/engine';
import {
  type Backend,
  checkOptions,
  type Feature,
  type FloatArray,
  type HostTensor,
  SgdError,
  shown,
  shownShape,
} from '@sgd/core';
import { Arena } from './arena.ts';
import { makeMemory } from './engine.ts';
import { openSession } from './session.ts';
import {
  arrayOf,
  came,
  fits,
  shapeOf,
  Tensor,
  tensorOf,
  type WasmGradient,
  type WasmTensor,
  type WasmVariable,
} from './tensor.ts';

const FEATURES: readonly Feature[] = [
  'weight-decay',
  'accumulation',
  'average',
  'finite-check',
  'clip-value',
  'clip-norm',
  'clip-global-norm',
  'groups',
  'measure',
  'overwrite',
  'constraint',
  'pow',
  'sum',
];

/** Settings of {@link wasm}. */
export interface WasmOptions {
  /** Bytes that the arena has from the start; default 0: as many as it turns out to need. Views of it last as long as that is enough. */
  readonly reserve?: number | undefined;
  /** Bytes that the arena can't grow beyond; default: as many as the engine grants, at most 4 GiB. */
  readonly maximum?: number | undefined;
  /**
   * Whether variables that are ordinary arrays get their new values after each step that changes them; default `true`. If not,
   * they get them when the optimizer is disposed of.
   */
  readonly copyBack?: boolean | undefined;
}

/** What {@link wasm} gives: an engine, and the arena that it works in. */
export interface WasmBackend extends Backend<WasmVariable, WasmGradient, 'sync'> {
  /**
   * A tensor of zeros in the arena.
   *
   * @throws SgdError `SGD_BACKEND`: the arena can't grow that far; `SGD_INVALID_OPTION`: no shape
   */
  zeros(shape: readonly number[], name?: string): WasmTensor;
  /**
   * A tensor in the arena with a copy of the values.
   *
   * @param shape - default `[values.length]`
   * @throws SgdError as {@link WasmBackend.zeros}; `SGD_UNSUPPORTED`: a `Float64Array`, whose values float32 would not hold
   */
  from(values: ArrayLike<number>, shape?: readonly number[], name?: string): WasmTensor;
  /**
   * Gives a tensor's memory back. What is used of it afterwards is refused; for an ordinary array there is nothing to be done.
   *
   * @throws SgdError `SGD_DETACHED`: it was freed before; `SGD_UNSUPPORTED`: it is of another arena
   */
  free(value: WasmVariable | WasmGradient): void;
}

const isFloat32 = (data: FloatArray | Tensor): boolean =>
  (data as FloatArray | undefined)?.[Symbol.toStringTag] === 'Float32Array';

/**
 * The WebAssembly engine: SIMD kernels that are compiled from the optimizer's rule, at most one writing pass over memory for each step, the
 * same bits as Keras on its numpy backend and as `@sgd/cpu`, for float32.
 *
 * Variables and gradients are tensors of its arena, which need no copy, or ordinary `Float32Array`s. Of an ordinary variable the
 * arena has a copy while the optimizer lives: what you write into your array meanwhile is not seen. The copy is written back after each
 * step that changes it, and when the optimizer is disposed of. All optimizers of the arena on the same array share the copy. One that is built on it
 * in another arena, or on another part of it, takes the memory: the next call of the others throws `SGD_DETACHED`.
 *
 * @param options - see {@link WasmOptions}
 * @returns an engine with an arena of its own, which any number of optimizers may share
 * @throws SgdError `SGD_UNSUPPORTED`: there is no WebAssembly SIMD, or it is forbidden; `SGD_INVALID_OPTION`; `SGD_BACKEND`: there
 * is less memory than is to be reserved
 */
export async function wasm(options: WasmOptions = {}): Promise<WasmBackend> {
  checkOptions(options, ['reserve', 'maximum', 'copyBack'], 'wasm');
  const { reserve = 0, maximum = 2 ** 32, copyBack = true } = options;
  const arena = new Arena(makeMemory(reserve, maximum));

  const make = (length: number, shape: readonly number[], name?: string): Tensor => {
    if (fits(length, shape, shape)) return new Tensor(arena, [...shape], length, name);
    throw new SgdError('SGD_INVALID_OPTION', `a tensor of shape ${shownShape(shape)}, ${shown(length)} values`);
  };
  const from: WasmBackend['from'] = (values, shape = [values.length], name) => {
    if ((values as Partial<FloatArray>)[Symbol.toStringTag] === 'Float64Array')
      throw new SgdError('SGD_UNSUPPORTED', 'a tensor: expected float32, got float64');
    const tensor = make(values.length, shape, name);
    tensor.data.set(values);
    return tensor;
  };
  const copy = ({ data, shape, name }: HostTensor): WasmTensor => from(data, shape, name);

  return {
    contract: 2,
    name: 'wasm',
    mode: 'sync',
    supports: new Set(FEATURES),
    tolerance: { rtol: 0, atol: 0 },
    variable: copy,
    gradient: copy,
    zeros: (shape, name) => make(sizeOf(shape), shape, name),
    from,
    free(value) {
      const tensor = tensorOf(value, arena);
      if (typeof tensor === 'string') throw new SgdError('SGD_UNSUPPORTED', `free: ${tensor}`);
      tensor?.free();
    },
    describe(variable) {
      const tensor = tensorOf(variable, arena);
      const data = tensor instanceof Tensor ? tensor.data : arrayOf(variable);
      const shape = shapeOf(variable, [data?.length]);
      if (typeof tensor !== 'string' && shape && ArrayBuffer.isView(data) && fits(data.length, shape, shape)) {
        const { name } = variable as WasmTensor;
        return { name, shape, dtype: tensor || isFloat32(data) ? 'float32' : data[Symbol.toStringTag] };
      }
      throw new TypeError(`not a variable: ${typeof tensor === 'string' ? tensor : came(variable)}`);
    },
    refuses(gradient, index, program) {
      const { shape } = program.variables[index]!;
      const tensor = tensorOf(gradient, arena);
      if (typeof tensor === 'string') return tensor;
      const data = tensor ?? arrayOf(gradient);
      const fit = (tensor || isFloat32(data)) && fits(data.length, shapeOf(gradient, shape), shape);
      return fit ? null : came(gradient);
    },
    open: (program, variables) => openSession(arena, copyBack, program, variables),
  };
}
