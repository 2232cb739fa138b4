import { BOOLEAN, isObject, isOptions, NUMBER, resolve, shown, type Spec, want } from './check.ts';
import type { Backend, Mode } from './contract.ts';
import { reading, refuse } from './errors.ts';
import type { Extras } from './extras.ts';
import { LossScale } from './loss-scale.ts';
import { enter, type Machine } from './machine.ts';
import { machineOf, Optimizer } from './optimizer.ts';
import { BASE, NAME } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { SGD, type SGDOptions } from './sgd.ts';

/** Options of {@link LossScaleOptimizer}. */
export interface LossScaleOptions {
  /** The first part of the paths of the wrapper's own variables; default "loss_scale_optimizer". */
  readonly name?: string | null | undefined;
  /** The first loss scale, kept as float32; default 32768. */
  readonly initialScale?: number | undefined;
  /** Finite steps after which the scale is doubled; default 2000. 0: never. */
  readonly dynamicGrowthSteps?: number | undefined;
}

/** What {@link LossScaleOptimizer.getConfig} gives. */
export interface LossScaleConfig<V, G, M extends Mode> {
  /** The first part of the paths of its own variables. */
  readonly name: string;
  /** The optimizer that was given. */
  readonly innerOptimizer: RuleOptimizer<V, G, M>;
  /** The first loss scale. */
  readonly initialScale: number;
  /** Finite steps after which the scale is doubled. */
  readonly dynamicGrowthSteps: number;
}

/** What {@link LossScaleOptimizer.fromConfig} takes: what `getConfig` gives, or the options of both. */
export interface LossScaleFromConfig extends LossScaleOptions {
  /** The options of an SGD to be inside, or an optimizer whose class and options are copied; it is left alone. */
  readonly innerOptimizer:
    | SGDOptions
    | {
        /** The options of the optimizer. */
        getConfig(): object;
      };
}

type OwnConfig = Omit<LossScaleConfig<never, never, Mode>, 'innerOptimizer'>;

const REWRAPPED =
  'LossScaleOptimizer: expected an optimizer that is not wrapped, got the one inside another LossScaleOptimizer; ' +
  'wrap a new one, or copy the whole: LossScaleOptimizer.fromConfig(optimizer.getConfig(), backend)';

const NAME_DEFAULT = 'loss_scale_optimizer';
const SPEC: Spec = {
  name: [NAME_DEFAULT, ...NAME],
  initialScale: [32768, ...NUMBER],
  dynamicGrowthSteps: [2000, ...NUMBER],
};
/** Keras takes the base class's options, and `dynamic`, as long as they say nothing. */
const SILENT: Spec = { ...BASE, dynamic: [true, ...BOOLEAN] };

function resolveOwn(given: LossScaleOptions): OwnConfig {
  const own: Record<string, unknown> = reading('LossScaleOptimizer', () => {
    want(isOptions(given), 'LossScaleOptimizer', 'an object', given);
    return { ...given };
  });
  for (const key of Object.keys(SILENT)) {
    const fallback = SILENT[key]?.[0];
    const { [key]: value = fallback } = own;
    const cure =
      key === 'dynamic' ? 'for a fixed scale use lossScaleFactor of an SGD instead' : 'set it on the inner optimizer';
    want(value === fallback, `LossScaleOptimizer: ${key}`, `${shown(fallback)}: ${cure}`, value);
    delete own[key];
  }
  if (own.name === null) own.name = NAME_DEFAULT;
  return resolve(SPEC, own, 'LossScaleOptimizer');
}

/**
 * Dynamic loss scaling for gradients of reduced precision: multiply the loss by `scaleLoss`, hand in the gradients of that, and they are
 * divided by the same scale. A step with a gradient element that is not finite, or with a norm to clip by that is not, is dropped
 * (`apply` returns `false`) and halves the scale; `dynamicGrowthSteps` finite steps in a row double it.
 *
 * It takes the place of the optimizer that it wraps, which is called no more.
 *
 * Source: `keras.optimizers.LossScaleOptimizer`; Micikevicius et al., Mixed Precision Training, 2017 (arXiv:1710.03740).
 */
export class LossScaleOptimizer<V, G = V, M extends Mode = Mode> extends Optimizer<V, G, M> {
  readonly className = 'LossScaleOptimizer';
  /** The optimizer that was wrapped. */
  readonly inner: RuleOptimizer<V, G, M>;
  readonly #config: OwnConfig;
  readonly #scale: LossScale;

  /**
   * @param inner - an optimizer that is not built, has no `lossScaleFactor`, and leaves gradients that are not finite to the wrapper
   * @param options - see {@link LossScaleOptions}
   * @throws SgdError `SGD_INVALID_OPTION`; `SGD_ALREADY_BUILT`; `SGD_UNSUPPORTED`: it is wrapped already
   */
  constructor(inner: RuleOptimizer<V, G, M>, options: LossScaleOptions = {}) {
    const machine = reading('the optimizer to wrap', (): Machine<V, G, M> => {
      want(inner instanceof RuleOptimizer, 'the optimizer to wrap', 'an optimizer such as SGD', inner);
      return machineOf(inner);
    });
    if (machine.owner !== inner) refuse('SGD_UNSUPPORTED', REWRAPPED);
    const config = resolveOwn(options);
    enter(machine, 'LossScaleOptimizer', inner);
    if (inner.built) refuse('SGD_ALREADY_BUILT', 'LossScaleOptimizer: the optimizer to wrap is built');
    const { lossScaleFactor } = machine.config;
    want(
      lossScaleFactor === null,
      'lossScaleFactor of the optimizer to wrap',
      'null: the wrapper scales',
      lossScaleFactor,
    );
    const { nonFinite } = machine.extras;
    want(
      nonFinite === 'keras',
      'nonFinite of the optimizer to wrap',
      '"keras": the wrapper drops such steps',
      nonFinite,
    );
    super(machine, config.name);
    machine.scale = this.#scale = new LossScale(config.name, config.initialScale, config.dynamicGrowthSteps);
    this.inner = inner;
    this.#config = config;
  }

  /**
   * A new wrapper around a new optimizer, from what {@link LossScaleOptimizer.getConfig} gives.
   *
   * @param config - see {@link LossScaleFromConfig}
   * @param backend - the engine of the new optimizer
   * @param extras - of the optimizer inside; `nonFinite` must be `"keras"`
   * @throws SgdError as the constructors of both
   */
  static fromConfig<V, G, M extends Mode>(
    config: LossScaleFromConfig,
    backend: Backend<V, G, M>,
    extras?: Extras,
  ): LossScaleOptimizer<V, G, M> {
    want(isObject(config), 'LossScaleOptimizer: config', 'an object', config);
    const { innerOptimizer, ...own } = config;
    want(
      isObject(innerOptimizer),
      'LossScaleOptimizer: innerOptimizer',
      'an optimizer or options of SGD',
      innerOptimizer,
    );
    const { getConfig } = innerOptimizer as { getConfig?: unknown };
    const options = typeof getConfig === 'function' ? (getConfig.call(innerOptimizer) as SGDOptions) : innerOptimizer;
    const inner =
      innerOptimizer instanceof RuleOptimizer
        ? (innerOptimizer.constructor as typeof SGD).fromConfig(options as SGDOptions, backend, extras)
        : new SGD(options as SGDOptions, backend, extras);
    return new LossScaleOptimizer(inner, own);
  }

  /** What gradients are divided by in the next step. */
  get dynamicScale(): number {
    return this.#scale.value;
  }

  /** Finite steps since the scale last changed. */
  get stepCounter(): number {
    return this.#scale.counter;
  }

  override getConfig(): LossScaleConfig<V, G, M> {
    const { name, initialScale, dynamicGrowthSteps } = this.#config;
    return { name, innerOptimizer: this.inner, initialScale, dynamicGrowthSteps };
  }

  /** `loss * dynamicScale`; before `build`, `loss * initialScale`. */
  override scaleLoss(loss: number): number {
    return loss * (this.built ? this.#scale.value : this.#config.initialScale);
  }
}
