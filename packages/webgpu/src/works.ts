import type { WgslKernel, WgslProgram } from '@sgd/compile';
import type { StepDefinition } from '@sgd/core/engine';
import type { Device } from './device.ts';
import type { Kernels, ProgramKernels } from './kernels.ts';
import { lanesOf, type Memory } from './memory.ts';
import { type Buffers, HostNumbers, type Run, runsOf } from './runs.ts';

/** What is run for a variable in a situation. */
export interface Work {
  readonly kernels: Kernels;
  readonly numbers: readonly HostNumbers[];
  readonly squares: readonly Run[];
  readonly reading: readonly Run[];
  readonly writing: readonly Run[];
}

/** The work of an optimizer's steps, each bound to its buffers when it is first done. */
export class Works {
  readonly #device: Device;
  readonly #definition: StepDefinition;
  readonly #kernels: ProgramKernels;
  readonly #memory: Memory;
  /** By variable and situation. */
  readonly #works: Work[][];
  readonly #numbers = new Map<WgslKernel, Map<Float64Array, HostNumbers>>();
  #factorRuns: readonly Run[] | undefined;

  constructor(device: Device, definition: StepDefinition, kernels: ProgramKernels, memory: Memory) {
    this.#device = device;
    this.#definition = definition;
    this.#kernels = kernels;
    this.#memory = memory;
    this.#works = memory.sizes.map(() => []);
  }

  of(index: number, situation: number): Work {
    return (this.#works[index]![situation] ??= this.#make(index, situation));
  }

  #make(index: number, situation: number): Work {
    const size = this.#memory.sizes[index]!;
    const lanes = lanesOf(size);
    const kernels = this.#kernels.of(index, situation, lanes);
    const { squaredNorm, update, finiteCheck } = kernels;
    // without elements there is nothing to do, and no buffer to bind
    if (size === 0) return { kernels, numbers: [], squares: [], reading: [], writing: [] };
    const count = size / lanes;
    const numbers = this.#numbersOf(update, index);
    const buffers = this.#buffers('update', index, numbers);
    const ofSquares = squaredNorm && this.#numbersOf(squaredNorm, index);
    const run = (programs: readonly (WgslProgram | null)[], bound: Buffers): Run[] =>
      runsOf(
        this.#device,
        programs.filter((program) => program !== null),
        bound,
        count,
      );
    return {
      kernels,
      numbers: ofSquares === null ? [numbers] : [numbers, ofSquares],
      squares: ofSquares === null ? [] : run(squaredNorm!.reading, this.#buffers('squares', index, ofSquares)),
      reading: run([finiteCheck, ...update.reading], buffers),
      writing: run([update.writing], buffers),
    };
  }

  /** What makes the factor of the norm over all of the squared norms. */
  factor(step: number): readonly Run[] {
    const kernel = this.#kernels.clipFactor!;
    const numbers = this.#numbersOf(kernel, 0);
    numbers.update(step);
    const { length } = this.#memory.sizes;
    this.#factorRuns ??= runsOf(this.#device, kernel.reading, this.#buffers('factor', 0, numbers), length);
    return this.#factorRuns;
  }

  #buffers(kind: 'update' | 'squares' | 'factor', index: number, numbers: HostNumbers): Buffers {
    const { tensors, figures, parameters } = this.#memory;
    const offset = this.#memory.offsetOf(kind, index);
    return { tensors: tensors[index] ?? {}, figures, parameters, offset, numbers: numbers.buffer };
  }

  /** Shared by the variables of a group. */
  #numbersOf(kernel: WgslKernel, index: number): HostNumbers {
    const scalars = this.#definition.scalars.of[index]!;
    let byScalars = this.#numbers.get(kernel);
    if (byScalars === undefined) this.#numbers.set(kernel, (byScalars = new Map()));
    let numbers = byScalars.get(scalars);
    if (numbers === undefined)
      byScalars.set(scalars, (numbers = new HostNumbers(this.#device, this.#memory, kernel, scalars)));
    return numbers;
  }
}
