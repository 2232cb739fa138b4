import type { Program, ProgramVariable, Step } from '../contract.ts';
import { sgd, type SGDRuleConfig } from '../rules/sgd.ts';
import { type Kernel, type KernelOutputs, makeKernel } from './kernel.ts';
import { clipFactor, type Named, type Situation, squaredNorm, type StepOptions, updateVariable } from './surround.ts';
import { makeTracer, type TracedValue } from './trace.ts';

/** What surrounds the rule of a program, and its rule. */
export function stepOptionsOf(program: Program): StepOptions {
  const { slots, nesterov, unscale, clip, measure } = program;
  const options: StepOptions<SGDRuleConfig> = {
    rule: sgd,
    config: { momentum: slots.has('momentum') ? 1 : 0, nesterov },
    unscale,
    accumulates: slots.has('accumulator'),
    averages: slots.has('average'),
    clip,
    measure,
  };
  return options as unknown as StepOptions;
}

// A situation of a variable as a number, to look its kernel up in a step.
const GIVEN = 1;
const UPDATES = 2;
const ORDINARY = 4;
const OVERWRITE = 8;

/** The situations that the variables of a program can be in, as numbers to look kernels up by. */
export class Situations {
  /** All that can occur. */
  readonly all: readonly number[];
  readonly #averages: boolean;

  constructor({ slots, variables }: Program) {
    this.#averages = slots.has('average');
    const never = this.#averages ? 0 : OVERWRITE;
    const always = (slots.has('accumulator') ? 0 : UPDATES) | (variables.some((v) => v.overwrites) ? 0 : ORDINARY);
    const all = Array.from({ length: 16 }, (_, key) => key);
    this.all = all.filter((key) => (key & never) === 0 && (key & always) === always);
  }

  /** Of the variables that a step has a gradient for, or of those that it has none for. */
  keyOf({ phase, ordinary, averageOverwrite }: Step, given: boolean): number {
    return (
      (given ? GIVEN : 0) |
      (phase === 'update' ? UPDATES : 0) |
      (ordinary ? ORDINARY : 0) |
      (averageOverwrite && this.#averages ? OVERWRITE : 0)
    );
  }
}

/** Whether gradients are clipped in a situation: where one is given, and the step updates. */
export function isClipped(key: number): boolean {
  const clipped = GIVEN | UPDATES | ORDINARY;
  return (key & clipped) === clipped;
}

/** The situation of a variable that a number stands for. */
function situationOf(key: number, { decays, overwrites }: ProgramVariable): Situation {
  return {
    given: (key & GIVEN) !== 0,
    phase: (key & UPDATES) !== 0 ? 'update' : 'accumulate',
    ordinary: (key & ORDINARY) !== 0,
    decays,
    overwrites,
    overwriteByAverage: (key & OVERWRITE) !== 0,
  };
}

/** Records one of the definitions of a step, with tensors and scalars under their names. */
function trace(
  define: (
    tracer: ReturnType<typeof makeTracer>,
    tensors: Named<TracedValue>,
    scalars: Named<TracedValue>,
  ) => KernelOutputs<TracedValue>,
  tensors: readonly string[],
  scalars: readonly string[],
): Kernel {
  const tracer = makeTracer();
  const named = (names: readonly string[], make: (name: string) => TracedValue): Named<TracedValue> =>
    Object.fromEntries(names.map((name) => [name, make(name)]));
  return makeKernel(
    define(
      tracer,
      named(tensors, (name) => tracer.tensor(name)),
      named(scalars, (name) => tracer.scalar(name)),
    ),
  );
}

/** The numbers of a step that kernels may read, in the order in which engines keep them. */
export function scalarNames({ rule }: StepOptions): string[] {
  return [
    'learningRate',
    'weightDecay',
    'lossScale',
    'accumulationSteps',
    'clipLimit',
    'inverseClipLimit',
    'clipFactor',
    'averageMomentum',
    ...rule.scalars,
  ];
}

/** The tensors of a variable, besides its gradient: its value and what the optimizer keeps for it. */
export function tensorNames(options: StepOptions, { overwrites }: ProgramVariable): string[] {
  const accumulator = options.accumulates ? ['gradient_accumulator'] : [];
  if (overwrites) return ['variable', ...accumulator];
  const average = options.averages ? ['average'] : [];
  return ['variable', ...options.rule.slots(options.config).map(({ name }) => name), ...accumulator, ...average];
}

/** The kernel that does a step's work on a variable; it may have nothing to do, and no pass. */
export function traceUpdate(options: StepOptions, variable: ProgramVariable, key: number): Kernel {
  const situation = situationOf(key, variable);
  const tensors = [...tensorNames(options, variable), 'gradient'];
  return trace(
    (ops, named, scalars) => updateVariable(ops, options, situation, named, scalars),
    tensors,
    scalarNames(options),
  );
}

/** The kernel that gives the sum of squares of a variable's gradient, for the norm over all. */
export function traceSquaredNorm(options: StepOptions, variable: ProgramVariable, key: number): Kernel {
  const situation = situationOf(key, variable);
  return trace(
    (ops, named, scalars) => squaredNorm(ops, options, situation, named, scalars),
    ['gradient', 'gradient_accumulator'],
    scalarNames(options),
  );
}

/** The kernel that gives the factor of the norm over all, from a tensor `squares` of the sums of squares. */
export function traceClipFactor(options: StepOptions): Kernel {
  return trace(
    (ops, { squares }, scalars) => clipFactor(ops, squares as TracedValue, scalars),
    ['squares'],
    scalarNames(options),
  );
}
