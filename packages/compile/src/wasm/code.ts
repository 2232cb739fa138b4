import type { Program } from '@sgd/core';
import type { Kernel, StepDefinition } from '@sgd/core/engine';
import { kindsOf } from '../kinds.ts';
import type { FiniteCheck } from './kernel.ts';
import { type WasmKernel, WasmProgram } from './program.ts';

/** By situation and kind of variable: a kernel; `null` where there is nothing to do. */
export type Kernels = readonly (readonly (WasmKernel | null)[] | undefined)[];

/** The compiled kernels of a program. Variables of a kind have the same ones. */
export interface ProgramCode {
  /** The module: the same array for all programs with the same code, so that what is made of it can be looked up. */
  readonly bytes: Uint8Array;
  /** The names of the tensors of a record. */
  readonly tensors: readonly string[];
  /** A step's work on a variable. */
  readonly updates: Kernels;
  /** The sum of squares of its gradient, for the norm over all. */
  readonly squares: Kernels;
  /** The factor of the norm over all. */
  readonly clipFactor: WasmKernel | null;
}

/** The code of a program, and of which kind each variable is. */
export interface ProgramKinds {
  readonly code: ProgramCode;
  readonly kindOf: readonly number[];
}

/** Compiled once, for all optimizers: to compile takes longer than all else that is done to build one. */
const known = new Map<string, ProgramCode>();

/**
 * Compiles the kernels of a program over float32, unless that was done before.
 *
 * @param isShared - whether threads share the memory
 */
export function programCode(program: Program, definition: StepDefinition, isShared: boolean): ProgramKinds {
  const { kindOf, keys, examples } = kindsOf(program, definition);
  const { programKey } = definition;
  const key =
    programKey && [programKey, isShared, program.finiteCheck, definition.situations.all.join(), ...keys].join('\n');
  let code = key === undefined ? undefined : known.get(key);
  if (code === undefined) {
    code = compile(program, definition, isShared, examples);
    if (key !== undefined) known.set(key, code);
  }
  return { code, kindOf };
}

/** @param examples - by kind: a variable of it */
function compile(
  program: Program,
  definition: StepDefinition,
  isShared: boolean,
  examples: readonly number[],
): ProgramCode {
  const { finiteCheck, variables } = program;
  const { scalars, situations, hasGlobalNorm } = definition;
  const module = new WasmProgram({ scalars: scalars.names, isShared });
  const names = examples.flatMap((index) => definition.tensorsOf(index).map(({ name }) => name));
  const tensors = ['gradient', ...new Set(names)];
  const checkOf = (index: number, situation: number, { norms }: Kernel): FiniteCheck => {
    // its norm is part of the global norm, which is checked
    const isCovered = definition.defineSquaredNorm(index, situation) !== null;
    if (!finiteCheck || !situations.isGiven(situation) || isCovered) return 'none';
    return norms.length > 0 ? 'norms' : 'elements';
  };
  const add = (traced: Kernel | null, index: number, check: FiniteCheck): WasmKernel | null => {
    const kernel = traced && module.add(traced, variables[index]!.dtype, tensors, check);
    return kernel?.reduce === 0 && kernel.write === 0 ? null : kernel;
  };
  const updates: (WasmKernel | null)[][] = [];
  const squares: (WasmKernel | null)[][] = [];
  for (const situation of situations.all) {
    updates[situation] = examples.map((index) => {
      const traced = definition.update(index, situation);
      return add(traced, index, checkOf(index, situation, traced));
    });
    squares[situation] = examples.map((index) => add(definition.squaredNorm(index, situation), index, 'none'));
  }
  const norm = hasGlobalNorm
    ? module.add(definition.clipFactor(), 'float32', ['squares'], finiteCheck ? 'norms' : 'none')
    : null;
  return { bytes: module.bytes(), tensors, updates, squares, clipFactor: norm };
}
