import { sizeOf } from '@sgd/core/engine';
import type { SgdErrorCode } from '@sgd/core';
import {
  type CheckCase,
  type GoldenStep,
  type SerializedObject,
  type TrajectoryCase,
  withNumbers,
} from '../goldens/format.ts';

/** Where Keras lets something pass and we refuse: a case that does it is replayed up to there, and the refusal is asserted. */
interface Difference {
  readonly name: string;
  readonly reason: string;
  readonly code: SgdErrorCode;
}

/** What a case does that is refused when its optimizer is made. */
interface ConstructionDifference extends Difference {
  readonly applies: (optimizer: SerializedObject) => boolean;
}

/** What a step does that is refused by `apply`. */
interface StepDifference extends Difference {
  readonly applies: (step: GoldenStep, test: TrajectoryCase) => boolean;
}

/** What a check does that is refused though Keras takes it. */
interface CheckDifference extends Difference {
  readonly applies: (check: CheckCase) => boolean;
}

type Config = Readonly<Record<string, unknown>>;

function innermost(optimizer: SerializedObject): Config {
  const inner = optimizer.config.inner_optimizer as SerializedObject | undefined;
  return inner ? inner.config : optimizer.config;
}

function isFractional(steps: unknown): boolean {
  return typeof steps === 'number' && steps !== 0 && !Number.isInteger(steps);
}

const fractional = {
  name: 'fractional accumulation',
  reason: 'gradient_accumulation_steps 2.5 updates every fifth step and divides by 2.5 (Q3)',
  code: 'SGD_INVALID_OPTION',
} as const;

/** Refused by the constructor. */
export const inConstruction: readonly ConstructionDifference[] = [
  { ...fractional, applies: (optimizer) => isFractional(innermost(optimizer).gradient_accumulation_steps) },
];

const given = (step: GoldenStep, test: TrajectoryCase): readonly number[] =>
  step.vars ?? test.variables.map((_, i) => i);

/** Refused by `apply`; nothing changes. */
export const inApply: readonly StepDifference[] = [
  {
    name: 'gradient count',
    reason:
      'with variables given Keras does not compare the counts: it decays variables without an update, or ignores gradients (Q7)',
    code: 'SGD_GRADIENT_COUNT',
    applies: (step, test) =>
      step.grads !== undefined && step.grads.length > 0 && step.grads.length !== given(step, test).length,
  },
  {
    name: 'repeated variable',
    reason: 'Keras updates a variable that is given twice, twice (3.3)',
    code: 'SGD_GRADIENT_COUNT',
    applies: (step) => step.vars !== undefined && new Set(step.vars).size !== step.vars.length,
  },
  {
    name: 'broadcast gradient',
    reason: "Keras takes a gradient of another shape where broadcasting gives the variable's (3.8)",
    code: 'SGD_GRADIENT_SHAPE',
    applies: (step, test) =>
      given(step, test).some((index, j) => {
        const gradient = step.grads?.[j];
        return gradient ? gradient.length !== sizeOf(test.variables[index]?.shape ?? []) : false;
      }),
  },
];

/** Finalizing before the first step writes zeros into the model in Keras (Q11). */
export const finalizeFirst: Difference = {
  name: 'finalize before the first step',
  reason: 'the averages are still zeros, and Keras writes them into the variables (Q11)',
  code: 'SGD_NO_AVERAGES',
};

type Kind = (value: unknown) => boolean;
const number: Kind = (value) => typeof value === 'number';
const orNull: Kind = (value) => value === null || number(value);
const boolean: Kind = (value) => typeof value === 'boolean';
const numbers: Kind = (value) => Array.isArray(value) && value.every(number);

/** The types that options have; we refuse others. */
const kinds: Readonly<Record<string, Kind>> = {
  nesterov: boolean,
  use_ema: boolean,
  ema_momentum: number,
  ema_overwrite_frequency: orNull,
  gradient_accumulation_steps: orNull,
  weight_decay: orNull,
  loss_scale_factor: orNull,
  clipnorm: orNull,
  global_clipnorm: orNull,
  clipvalue: orNull,
  initial_scale: number,
  dynamic_growth_steps: number,
  initial_learning_rate: number,
  decay_steps: (value) => number(value) && !Number.isNaN(value),
  first_decay_steps: (value) => number(value) && !Number.isNaN(value),
  decay_rate: number,
  staircase: boolean,
  end_learning_rate: number,
  power: number,
  cycle: boolean,
  alpha: number,
  warmup_target: orNull,
  warmup_steps: number,
  t_mul: number,
  m_mul: number,
  boundaries: numbers,
  values: numbers,
};

/** The options that a check gives, whatever its target. */
function optionsOf({ target, args }: CheckCase): Config {
  const given = target === 'get' ? (args.identifier as { config?: unknown } | null)?.config : args;
  return withNumbers(given ?? {}) as Config;
}

/** Checks that Keras passes and we refuse. */
export const inChecks: readonly CheckDifference[] = [
  { ...fractional, applies: (check) => isFractional(optionsOf(check).gradient_accumulation_steps) },
  {
    name: 'unchecked types',
    reason:
      'Keras looks at the type of few options, and at that of limits, decay, scales and flags never (1.2.10, 8.1)',
    code: 'SGD_INVALID_OPTION',
    applies: (check) => Object.entries(optionsOf(check)).some(([key, value]) => !(kinds[key]?.(value) ?? true)),
  },
];
