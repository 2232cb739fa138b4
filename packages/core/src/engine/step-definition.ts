import type { Program, ProgramVariable } from '../contract.ts';
import type { Ops, SlotSpec } from '../rules/rule.ts';
import { type Kernel, type KernelOutputs, makeKernel } from './kernel.ts';
import { isClipped, Situations, situationOf } from './situations.ts';
import { StepScalars } from './step-scalars.ts';
import { clipFactor, type Named, squaredNorm, type StepOptions, structureOf, updateVariable } from './surround.ts';
import { makeTracer, type TracedValue } from './trace.ts';

/** A definition over operations of any kind, from tensors and numbers under their names. */
export type Definition = <T>(ops: Ops<T>, tensors: Named<T>, scalars: Named<T>) => KernelOutputs<T>;

/**
 * What the steps of a program do to each of its variables: the rule, and all that surrounds it. An engine takes from here which tensors to
 * keep, which numbers a step has, and what to compute, as a recorded {@link Kernel} to be compiled or as a {@link Definition} over operations
 * of its own. Variables are named by their index in the program.
 *
 * Work on a variable depends on its *situation* in a step, a small number that {@link Situations.keyOf} gives.
 */
export class StepDefinition {
  /** The situations that can occur. */
  readonly situations: Situations;
  /** The numbers of the step under way. */
  readonly scalars: StepScalars;
  /** Whether gradients are clipped by the norm over all: see {@link StepDefinition.squaredNorm}. */
  readonly hasGlobalNorm: boolean;
  readonly #variables: readonly ProgramVariable[];
  /** By group; groups whose options differ in scalars alone share theirs. */
  readonly #options: readonly StepOptions[];

  constructor(program: Program) {
    const { variables, clip } = program;
    this.#variables = variables;
    this.#options = optionsByGroup(program);
    this.situations = new Situations(program);
    this.hasGlobalNorm = clip === 'global-norm';
    this.scalars = new StepScalars(program);
  }

  /** The tensors of a variable besides its gradient, of its shape and type: `variable`, and what the optimizer keeps for it. */
  tensorsOf(index: number): readonly SlotSpec[] {
    const { slots, accumulates, averages } = this.#optionsOf(index);
    const accumulator = accumulates ? [{ name: 'gradient_accumulator' }] : [];
    if (this.#variable(index).overwrites) return [{ name: 'variable' }, ...accumulator];
    return [
      { name: 'variable' },
      ...slots,
      ...accumulator,
      // an average is averaged with the variable at its first step with factor 0, so that it starts as a copy
      ...(averages ? [{ name: 'average' }] : []),
    ];
  }

  /**
   * Programs with the same key have the same kernels for variables with the same {@link StepDefinition.kernelKey}, and the same numbers.
   * `undefined`: no key tells, since the rule's configuration holds more than plain values.
   */
  get programKey(): string | undefined {
    const [{ rule, slots, accumulates, averages, unscale, clip, measure }] = this.#options as [StepOptions];
    const configs = [...new Set(this.#options)].map(({ config }) => keyOfConfig(config));
    if (configs.includes(undefined)) return undefined;
    const slotNames = slots.map(({ name }) => name);
    return JSON.stringify([numberOfRule(rule), slotNames, accumulates, averages, unscale, clip, [...measure], configs]);
  }

  /**
   * Two variables in two situations with the same key have the same kernel, but for their scalars. Variables with the same key in one situation
   * have it in all.
   */
  kernelKey(index: number, situation: number): string {
    const { dtype, decays, overwrites } = this.#variable(index);
    return `${dtype} ${decays} ${overwrites} ${this.#options.indexOf(this.#optionsOf(index))} ${situation}`;
  }

  /** A step's work on a variable, over operations of any kind. */
  defineUpdate(index: number, situation: number): Definition {
    const options = this.#optionsOf(index);
    const about = situationOf(situation, this.#variable(index));
    return (ops, tensors, scalars) => updateVariable(ops, options, about, tensors, scalars);
  }

  /** The sum of squares of the gradient of a variable, over operations of any kind; `null` where it does not count for the norm over all. */
  defineSquaredNorm(index: number, situation: number): Definition | null {
    const variable = this.#variable(index);
    if (!this.hasGlobalNorm || variable.overwrites || !isClipped(situation)) return null;
    const options = this.#optionsOf(index);
    const about = situationOf(situation, variable);
    return (ops, tensors, scalars) => squaredNorm(ops, options, about, tensors, scalars);
  }

  /** A step's work on a variable; there may be none, and no pass. Tensors: `gradient`, and those of {@link StepDefinition.tensorsOf}. */
  update(index: number, situation: number): Kernel {
    const tensors = [...this.tensorsOf(index).map(({ name }) => name), 'gradient'];
    return this.#record(this.defineUpdate(index, situation), tensors);
  }

  /** The sum of squares of the gradient of a variable; `null` where it does not count for the norm over all. */
  squaredNorm(index: number, situation: number): Kernel | null {
    const define = this.defineSquaredNorm(index, situation);
    return define && this.#record(define, ['gradient', 'gradient_accumulator']);
  }

  /**
   * The factor of the norm over all, from a tensor `squares` of the sums of squares in the order of the step's gradients. The type is
   * float64 once a gradient is, else float32. It is the scalar `clipFactor` of the updates: {@link StepScalars.setClipFactor}.
   */
  clipFactor(): Kernel {
    return this.#record(this.defineClipFactor(), ['squares']);
  }

  /** The factor of the norm over all, over operations of any kind. */
  defineClipFactor(): Definition {
    return (ops, tensors, scalars) => clipFactor(ops, tensors.squares!, scalars);
  }

  #variable(index: number): ProgramVariable {
    return this.#variables[index]!;
  }

  #optionsOf(index: number): StepOptions {
    return this.#options[this.#variable(index).group]!;
  }

  #record(define: Definition, tensors: readonly string[]): Kernel {
    const tracer = makeTracer();
    const named = (names: readonly string[], make: (name: string) => TracedValue): Named<TracedValue> =>
      Object.fromEntries(names.map((name) => [name, make(name)]));
    return makeKernel(
      define(
        tracer,
        named(tensors, (name) => tracer.tensor(name)),
        named(this.scalars.names, (name) => tracer.scalar(name)),
      ),
    );
  }
}

function optionsByGroup({
  rule,
  configs,
  slots,
  accumulates,
  averages,
  unscale,
  clip,
  measure,
}: Program): StepOptions[] {
  const distinct: StepOptions[] = [];
  return configs.map((config) => {
    const structure = structureOf(rule, config);
    const known = distinct.find((options) => isSameRecord(options.config, structure));
    if (known !== undefined) return known;
    const options = { rule, config: structure, slots, accumulates, averages, unscale, clip, measure };
    distinct.push(options);
    return options;
  });
}

function isSameRecord(one: object, other: object): boolean {
  const entries = Object.entries(one);
  return entries.every(([name, value]) => Object.is(value, (other as Record<string, unknown>)[name]));
}

const numbersOfRules = new WeakMap<object, number>();
let rules = 0;

/** Rules are told apart by what they are: two may have the same name. */
function numberOfRule(rule: object): number {
  let number = numbersOfRules.get(rule);
  if (number === undefined) {
    number = ++rules;
    numbersOfRules.set(rule, number);
  }
  return number;
}

/** A configuration of numbers, texts, flags and nulls as a text; `undefined` for another one. */
function keyOfConfig(config: object): string | undefined {
  const entries = Object.entries(config) as [string, unknown][];
  const isPlain = entries.every(([, value]) => value === null || !['object', 'function'].includes(typeof value));
  if (!isPlain) return undefined;
  // a zero may be negative, a number may be no number: JSON would not tell
  return JSON.stringify(
    entries.map(([name, value]) => [name, typeof value, Object.is(value, -0) ? '-0' : String(value)]),
  );
}
