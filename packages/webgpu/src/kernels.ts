import { FIGURE, wgslFiniteCheck, WgslKernel, type WgslProgram } from '@sgd/compile';
import { type Program, SgdError } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';
import type { GpuDevice } from './gpu.ts';

/** What a step does to a variable in one situation. */
export interface Kernels {
  readonly squaredNorm: WgslKernel | null;
  readonly update: WgslKernel;
  /** Of the gradient's elements, unless a norm is looked at, which is finite only if they are. */
  readonly finiteCheck: WgslProgram | null;
}

/** The kernels of a program, compiled once for all variables that can share them. */
export class ProgramKernels {
  readonly clipFactor: WgslKernel | null;
  readonly #definition: StepDefinition;
  readonly #program: Program;
  readonly #byKey = new Map<string, Kernels>();

  constructor(definition: StepDefinition, program: Program) {
    this.#definition = definition;
    this.#program = program;
    this.clipFactor = definition.hasGlobalNorm
      ? new WgslKernel(definition.clipFactor(), { ...this.#options(1), result: FIGURE.clipFactor })
      : null;
  }

  /** @param lanes - 4 where the variable has elements in fours */
  of(index: number, situation: number, lanes: 1 | 4): Kernels {
    const key = `${this.#definition.kernelKey(index, situation)} ${lanes}`;
    let kernels = this.#byKey.get(key);
    if (kernels === undefined) this.#byKey.set(key, (kernels = this.#make(index, situation, lanes)));
    return kernels;
  }

  /**
   * Refuses what the device can't run.
   *
   * @throws SgdError `SGD_UNSUPPORTED`
   */
  check(limits: GpuDevice['limits']): void {
    const most = limits.maxStorageBuffersPerShaderStage;
    for (const { squaredNorm, update } of this.#byKey.values()) {
      const programs = [squaredNorm, update].flatMap((kernel) => [...(kernel?.reading ?? []), kernel?.writing]);
      const counts = programs.map((one) => one?.bindings.filter(({ type }) => type !== 'uniform').length ?? 0);
      const needed = Math.max(...counts);
      if (needed <= most) continue;
      throw new SgdError(
        'SGD_UNSUPPORTED',
        `a step of "${this.#program.rule.name}" with these options needs ${needed} storage buffers at once, and the device grants ${most}: ask for more with requiredLimits.maxStorageBuffersPerShaderStage, or leave out accumulation or averages`,
      );
    }
  }

  /** How many figures a variable has of its own. */
  get figures(): number {
    return Math.max(0, ...[...this.#byKey.values()].map(({ update }) => update.figures));
  }

  #make(index: number, situation: number, lanes: 1 | 4): Kernels {
    const options = this.#options(lanes);
    const squares = this.#definition.squaredNorm(index, situation);
    const squaredNorm = squares && new WgslKernel(squares, options);
    const kernel = this.#definition.update(index, situation);
    const isChecked = this.#program.finiteCheck && this.#definition.situations.isGiven(situation);
    const hasNorm = squaredNorm !== null || kernel.norms.length > 0;
    return {
      squaredNorm,
      update: new WgslKernel(kernel, options),
      finiteCheck: isChecked && !hasNorm ? wgslFiniteCheck(lanes) : null,
    };
  }

  #options(lanes: 1 | 4): ConstructorParameters<typeof WgslKernel>[1] {
    return { scalars: this.#definition.scalars.names, lanes, isGuarded: this.#program.finiteCheck };
  }
}
