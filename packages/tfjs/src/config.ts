import { deserializeSchedule, type LearningRate, type Schedule, SgdError, type SGDOptions } from '@sgd/core';

/** A serialized object as tfjs has it after its conversion from Python's names. */
interface Serialized {
  readonly className?: unknown;
  readonly config?: Record<string, unknown>;
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A learning rate as JSON: a number, or a schedule in Keras's form under tfjs's names. */
export function rateToConfig(rate: LearningRate): unknown {
  if (typeof rate === 'function')
    throw new SgdError('SGD_INVALID_CONFIG', "learningRate is a function, which can't be saved: use a schedule");
  if (typeof rate === 'number') return rate;
  const { className } = rate;
  return { module: 'keras.optimizers.schedules', className, config: rate.getConfig(), registeredName: null };
}

function scheduleOf({ className, config = {} }: Serialized): Schedule {
  const entries = Object.entries(config).map(([key, value]) => [snakeCase(key), value]);
  return deserializeSchedule({ class_name: className, config: Object.fromEntries(entries) });
}

/** What tfjs and Python add to a config, and no optimizer knows. */
const FOREIGN = ['customObjects', 'fastWeightInit', 'jitCompile', 'isLegacyOptimizer'];

/** Options from a config of ours, or from one that Python saved. */
export function optionsFrom(config: Readonly<Record<string, unknown>>): SGDOptions & Record<string, unknown> {
  const options: Record<string, unknown> = { ...config };
  for (const key of FOREIGN) delete options[key];
  // Keras 2 writes it always
  if (options.decay === 0) delete options.decay;
  const { learningRate: rate } = options;
  if (typeof rate === 'object' && rate !== null) options.learningRate = scheduleOf(rate as Serialized);
  return options;
}
