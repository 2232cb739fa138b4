import { isObject, shown, snakeCase, want } from './check.ts';
import type { Backend, Mode } from './contract.ts';
import { SgdError } from './errors.ts';
import type { Extras } from './extras.ts';
import { LossScaleOptimizer } from './loss-scale-optimizer.ts';
import { BASE_DEFAULTS } from './options.ts';
import { CosineDecay } from './schedules/cosine.ts';
import { ExponentialDecay, InverseTimeDecay } from './schedules/decay.ts';
import { PiecewiseConstantDecay } from './schedules/piecewise.ts';
import { PolynomialDecay } from './schedules/polynomial.ts';
import { CosineDecayRestarts } from './schedules/restarts.ts';
import type { Schedule } from './schedules/schedule.ts';
import { SGD } from './sgd.ts';
import { Warn } from './warnings.ts';

const SCHEDULES: Readonly<Record<string, new (options: never) => Schedule>> = {
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  CosineDecay,
  CosineDecayRestarts,
};

const SGD_OPTIONS = ['name', 'learningRate', ...Object.keys(BASE_DEFAULTS), 'momentum', 'nesterov', 'decay'];
const SCHEDULE_OPTIONS = [
  'initialLearningRate',
  'decaySteps',
  'decayRate',
  'staircase',
  'name',
  'boundaries',
  'values',
  'endLearningRate',
  'power',
  'cycle',
  'alpha',
  'warmupTarget',
  'warmupSteps',
  'firstDecaySteps',
  'tMul',
  'mMul',
];
const WRAPPER_OPTIONS = [
  'name',
  'initialScale',
  'dynamicGrowthSteps',
  'innerOptimizer',
  'dynamic',
  ...Object.keys(BASE_DEFAULTS),
];

function invalid(message: string, cause?: unknown): SgdError {
  return new SgdError('SGD_INVALID_CONFIG', message, cause === undefined ? undefined : { cause });
}

/** The class name and config of a serialized object. */
function parts(json: unknown, what: string): { className: string; config: Record<string, unknown>; module: unknown } {
  want(isObject(json), what, 'a serialized object', json, 'SGD_INVALID_CONFIG');
  const { class_name: className, config = {}, module } = json;
  want(typeof className === 'string', `${what}: class_name`, 'a string', className, 'SGD_INVALID_CONFIG');
  want(isObject(config), `${what}: config`, 'an object', config, 'SGD_INVALID_CONFIG');
  return { className, config, module };
}

/** Keras's option names to ours; only names that are known, so that nothing else can come in. */
function options(config: Record<string, unknown>, known: readonly string[], what: string): Record<string, unknown> {
  const names = new Map(known.map((name) => [snakeCase(name), name]));
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const name = names.get(key);
    if (name === undefined) throw invalid(`${what} has no option ${shown(key)}`);
    result[name] = value;
  }
  return result;
}

/** An option that the constructor refuses is a config that can't be read. */
function construct<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof SgdError && error.code === 'SGD_INVALID_OPTION') throw invalid(error.message, error);
    throw error;
  }
}

/**
 * A schedule from Keras's serialized form.
 *
 * @throws SgdError `SGD_INVALID_CONFIG`: not a serialized schedule of Keras's, or options that it refuses
 */
export function deserializeSchedule(json: unknown): Schedule {
  const { className, config } = parts(json, 'schedule');
  const Class = Object.hasOwn(SCHEDULES, className) ? SCHEDULES[className] : undefined;
  if (Class === undefined)
    throw invalid(`schedule: expected one of ${Object.keys(SCHEDULES).join(', ')}, got ${shown(className)}`);
  const given = options(config, SCHEDULE_OPTIONS, className);
  return construct(() => new Class(given as never));
}

/** Keras looks nested objects up by their module, so that it must be there. */
function nested(value: unknown, what: string): unknown {
  if (isObject(value) && value.module === undefined)
    throw invalid(`${what}: expected a serialized object with its module`);
  return value;
}

function sgdOptions(config: Record<string, unknown>): Record<string, unknown> {
  const given = options(config, SGD_OPTIONS, 'SGD');
  if (isObject(given.learningRate))
    given.learningRate = deserializeSchedule(nested(given.learningRate, 'learning_rate'));
  return given;
}

/**
 * An optimizer from Keras's own JSON, as `keras.optimizers.serialize` or {@link serialize} writes it; from a class name, with Keras's
 * defaults; `null` from `null`. Class names of optimizers are not case-sensitive. The JSON is not changed (Keras changes it).
 *
 * A `loss_scale_factor` of an optimizer inside a LossScaleOptimizer becomes null, with a warning (Keras: without one).
 *
 * @throws SgdError `SGD_INVALID_CONFIG`: not a serialized SGD or LossScaleOptimizer, or options that it refuses
 */
export function deserialize<V, G, M extends Mode>(
  json: unknown,
  backend: Backend<V, G, M>,
  extras: Extras = {},
): SGD<V, G, M> | LossScaleOptimizer<V, G, M> | null {
  if (json === null) return null;
  const { className, config } = parts(typeof json === 'string' ? { class_name: json } : json, 'optimizer');
  switch (className.toLowerCase()) {
    case 'sgd':
      return construct(() => new SGD(sgdOptions(config), backend, extras));
    case 'lossscaleoptimizer':
      return deserializeWrapper(config, backend, extras);
    default:
      throw invalid(`optimizer: expected SGD or LossScaleOptimizer, got ${shown(className)}`);
  }
}

function deserializeWrapper<V, G, M extends Mode>(
  config: Record<string, unknown>,
  backend: Backend<V, G, M>,
  extras: Extras,
): LossScaleOptimizer<V, G, M> {
  const { innerOptimizer, ...given } = options(config, WRAPPER_OPTIONS, 'LossScaleOptimizer');
  const inner = parts(nested(innerOptimizer, 'inner_optimizer'), 'inner_optimizer');
  if (inner.className.toLowerCase() !== 'sgd')
    throw invalid(`inner_optimizer: expected SGD, got ${shown(inner.className)}`);
  const innerOptions = sgdOptions(inner.config);
  const { lossScaleFactor } = innerOptions;
  const wrapper = construct(() => {
    const sgd = new SGD({ ...innerOptions, lossScaleFactor: null }, backend, extras);
    return new LossScaleOptimizer(sgd, given);
  });
  if (lossScaleFactor !== null && lossScaleFactor !== undefined) {
    const text = `loss_scale_factor ${shown(lossScaleFactor)} of the inner optimizer is dropped: the LossScaleOptimizer scales`;
    new Warn(extras.onWarning).once('SGD_DEPRECATED_OPTION', [], text);
  }
  return wrapper;
}
