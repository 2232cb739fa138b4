import { Adadelta } from './adadelta.ts';
import { Adagrad } from './adagrad.ts';
import { Adam } from './adam.ts';
import { Adamax } from './adamax.ts';
import { AdamW } from './adamw.ts';
import { isObject, LONGEST_NAME, shown, want } from './check.ts';
import type { Backend, Mode } from './contract.ts';
import { isSgdError, reading, refuse } from './errors.ts';
import type { Extras } from './extras.ts';
import { Ftrl } from './ftrl.ts';
import { Lamb } from './lamb.ts';
import { Lion } from './lion.ts';
import { LossScaleOptimizer } from './loss-scale-optimizer.ts';
import { RMSprop } from './rmsprop.ts';
import { CosineDecay } from './schedules/cosine.ts';
import { ExponentialDecay, InverseTimeDecay } from './schedules/decay.ts';
import { PiecewiseConstantDecay } from './schedules/piecewise.ts';
import { PolynomialDecay } from './schedules/polynomial.ts';
import { CosineDecayRestarts } from './schedules/restarts.ts';
import type { Schedule } from './schedules/schedule.ts';
import type { RuleOptimizer } from './rule-optimizer.ts';
import { SGD } from './sgd.ts';
import { toConsole } from './warnings.ts';

const SCHEDULES: Readonly<Record<string, new (options: never) => Schedule>> = {
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  CosineDecay,
  CosineDecayRestarts,
};

type Constructor = new <V, G, M extends Mode>(
  options: never,
  backend: Backend<V, G, M>,
  extras: Extras<never>,
) => RuleOptimizer<V, G, M>;

const OPTIMIZERS: Readonly<Record<string, Constructor>> = {
  SGD,
  Adam,
  AdamW,
  RMSprop,
  Adagrad,
  Adadelta,
  Adamax,
  Lion,
  Ftrl,
  Lamb,
};

/** Keras looks classes up without regard to case. */
function optimizerClass(className: string): Constructor | undefined {
  const known = Object.keys(OPTIMIZERS).find((name) => name.toLowerCase() === className.toLowerCase());
  return known === undefined ? undefined : OPTIMIZERS[known];
}

const NAMES = Object.keys(OPTIMIZERS).join(', ');

function invalid(message: string, cause?: unknown): never {
  refuse('SGD_INVALID_CONFIG', message, cause);
}

interface Parts {
  readonly className: string;
  readonly config: Record<string, unknown>;
  readonly module: unknown;
}

/** The class name and config of a serialized object. */
function parts(json: unknown, what: string): Parts {
  return reading(what, () => partsOf(json, what), 'SGD_INVALID_CONFIG');
}

function partsOf(json: unknown, what: string): Parts {
  want(isObject(json), what, 'a serialized object', json, 'SGD_INVALID_CONFIG');
  const { class_name: className, config = {}, module } = json;
  want(typeof className === 'string', `${what}: class_name`, 'a string', className, 'SGD_INVALID_CONFIG');
  want(isObject(config), `${what}: config`, 'an object', config, 'SGD_INVALID_CONFIG');
  return { className, config, module };
}

/** Keras's option names to ours: `learning_rate` to `learningRate`. */
function options(config: Record<string, unknown>): Record<string, unknown> {
  const entries = reading('config', () => Object.entries(config), 'SGD_INVALID_CONFIG').map(([key, value]) => {
    // before anything that takes longer the longer the name is
    if (key.length > LONGEST_NAME) invalid(`config: unknown ${shown(key)}`);
    if (/[A-Z]/.test(key)) invalid(`config: expected names in snake_case, got ${shown(key)}`);
    return [key.replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase()), value];
  });
  return Object.fromEntries(entries);
}

/** An option that the constructor refuses is a config that can't be read. */
function construct<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (isSgdError(error) && error.code === 'SGD_INVALID_OPTION') invalid(error.message, error);
    throw error;
  }
}

/**
 * A schedule from Keras's serialized form.
 *
 * @throws SgdError `SGD_INVALID_CONFIG`: not a serialized schedule of Keras's, or options that it refuses
 */
export function deserializeSchedule(json: unknown): Schedule {
  return reading('schedule', () => scheduleFrom(json), 'SGD_INVALID_CONFIG');
}

function scheduleFrom(json: unknown): Schedule {
  const { className, config } = parts(json, 'schedule');
  const Class = Object.hasOwn(SCHEDULES, className) ? SCHEDULES[className] : undefined;
  if (Class === undefined)
    invalid(`schedule: expected one of ${Object.keys(SCHEDULES).join(', ')}, got ${shown(className)}`);
  const given = options(config);
  return construct(() => new Class(given as never));
}

/** Keras looks nested objects up by their module, so that it must be there. */
function nested(value: unknown, what: string): unknown {
  const lacks = reading(what, () => isObject(value) && value.module === undefined, 'SGD_INVALID_CONFIG');
  if (lacks) invalid(`${what}: expected a serialized object with its module`);
  return value;
}

function ruleOptions(config: Record<string, unknown>): Record<string, unknown> {
  const given = options(config);
  const isSchedule = reading('learning_rate', () => isObject(given.learningRate), 'SGD_INVALID_CONFIG');
  if (isSchedule) given.learningRate = deserializeSchedule(nested(given.learningRate, 'learning_rate'));
  return given;
}

/**
 * An optimizer from Keras's own JSON, as `keras.optimizers.serialize` or {@link serialize} writes it; from a class name, with Keras's
 * defaults; `null` from `null`. Class names of optimizers are not case-sensitive. The JSON is not changed (Keras changes it).
 *
 * A `loss_scale_factor` of an optimizer inside a LossScaleOptimizer becomes null, with a warning (Keras: without one).
 *
 * @throws SgdError `SGD_INVALID_CONFIG`: not a serialized optimizer of ours, or options that it refuses
 */
export function deserialize<V, G, M extends Mode>(
  json: string | object,
  backend: Backend<V, G, M>,
  extras?: Extras,
): RuleOptimizer<V, G, M> | LossScaleOptimizer<V, G, M>;
/** `null` from `null`. */
export function deserialize<V, G, M extends Mode>(json: null, backend: Backend<V, G, M>, extras?: Extras): null;
/** What is not known to be there may be `null`, which gives `null`. */
export function deserialize<V, G, M extends Mode>(
  json: unknown,
  backend: Backend<V, G, M>,
  extras?: Extras,
): RuleOptimizer<V, G, M> | LossScaleOptimizer<V, G, M> | null;
export function deserialize<V, G, M extends Mode>(
  json: unknown,
  backend: Backend<V, G, M>,
  extras: Extras<object> = {},
): RuleOptimizer<V, G, M> | LossScaleOptimizer<V, G, M> | null {
  if (json === null) return null;
  const { className, config } = parts(typeof json === 'string' ? { class_name: json } : json, 'optimizer');
  if (className.toLowerCase() === 'lossscaleoptimizer') return deserializeWrapper(config, backend, extras);
  const Class = optimizerClass(className);
  if (Class === undefined) invalid(`optimizer: expected ${NAMES} or LossScaleOptimizer, got ${shown(className)}`);
  return construct(() => new Class(ruleOptions(config) as never, backend, extras as never));
}

function deserializeWrapper<V, G, M extends Mode>(
  config: Record<string, unknown>,
  backend: Backend<V, G, M>,
  extras: Extras<object>,
): LossScaleOptimizer<V, G, M> {
  const { innerOptimizer, ...given } = options(config);
  const inner = parts(nested(innerOptimizer, 'inner_optimizer'), 'inner_optimizer');
  const Class = optimizerClass(inner.className);
  if (Class === undefined) invalid(`inner_optimizer: expected ${NAMES}, got ${shown(inner.className)}`);
  const innerOptions = ruleOptions(inner.config);
  const { lossScaleFactor } = innerOptions;
  const wrapper = construct(() => {
    const optimizer = new Class({ ...innerOptions, lossScaleFactor: null } as never, backend, extras as never);
    return new LossScaleOptimizer(optimizer, given);
  });
  if (lossScaleFactor !== null && lossScaleFactor !== undefined) {
    const text = `loss_scale_factor ${shown(lossScaleFactor)} of the inner optimizer is dropped: the LossScaleOptimizer scales`;
    (extras.onWarning ?? toConsole)(text, { code: 'SGD_DEPRECATED_OPTION', paths: [] });
  }
  return wrapper;
}
