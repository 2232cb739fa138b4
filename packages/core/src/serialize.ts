import { isObject, shown, want } from './check.ts';
import { reading, refuse } from './errors.ts';
import { short } from './shown.ts';

/** Keras's serialized form of an optimizer or schedule. */
export interface KerasObject {
  /** The Python module of the class, e.g. `"keras.optimizers"`. */
  readonly module: string | null;
  /** E.g. `"SGD"`. */
  readonly class_name: string;
  /** Options under Keras's own names. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Of a class that was registered by its user, and so is none of ours. */
  readonly registered_name: string | null;
}

/** What {@link serialize} takes: our optimizers and schedules. */
export interface Serializable {
  /** Keras's name of the class. */
  readonly className: string;
  /** The constructor's options, in Keras's order. */
  getConfig(): object;
}

/** Keras's classes; each holds only such as come after it. */
const CLASSES = [
  ['LossScaleOptimizer'],
  ['SGD', 'Adam', 'AdamW', 'RMSprop', 'Adagrad', 'Adadelta', 'Adamax', 'Lion', 'Ftrl', 'Lamb'],
  [
    'ExponentialDecay',
    'InverseTimeDecay',
    'PiecewiseConstantDecay',
    'PolynomialDecay',
    'CosineDecay',
    'CosineDecayRestarts',
  ],
];
const SCHEDULES = 2;

/** `learningRate` to `learning_rate`, `beta1` to `beta_1`, but `l1RegularizationStrength` to `l1_regularization_strength`. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]|(?<=^beta)\d/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Keras's own JSON for an optimizer or schedule, as `keras.optimizers.serialize` writes it.
 *
 * @throws SgdError `SGD_INVALID_CONFIG`: no optimizer or schedule, a learning rate that is a function or a schedule that Keras does not have
 */
export function serialize(value: Serializable): KerasObject {
  return reading('serialize', () => write(value, -1), 'SGD_INVALID_CONFIG');
}

/** Writes what stands inside of a class of level `above`. */
function write(value: Serializable, above: number): KerasObject {
  want(isObject(value), 'serialize', 'an optimizer or a schedule', value, 'SGD_INVALID_CONFIG');
  const { className } = value;
  const level = CLASSES.findIndex((names) => names.includes(className));
  if (level <= above) {
    const why = level < 0 ? 'Keras has no such class' : 'a schedule holds no other object, an SGD only a schedule';
    refuse('SGD_INVALID_CONFIG', `${shown(className ?? value)} can't be serialized: ${why}`);
  }
  const given: unknown = typeof value.getConfig === 'function' ? value.getConfig() : undefined;
  want(isObject(given), `${className}: getConfig()`, 'an object', given, 'SGD_INVALID_CONFIG');
  const config: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(given)) {
    if (typeof option === 'function')
      refuse('SGD_INVALID_CONFIG', `${short(key)} is a function, which can't be serialized`);
    config[snakeCase(key)] = isObject(option) ? write(option as unknown as Serializable, level) : option;
  }
  return {
    module: level < SCHEDULES ? 'keras.optimizers' : 'keras.optimizers.schedules',
    class_name: className,
    config,
    registered_name: null,
  };
}
