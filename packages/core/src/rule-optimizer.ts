import { resolve } from './check.ts';
import type { Backend, Mode } from './contract.ts';
import { type Extras, resolveExtras } from './extras.ts';
import { makeMachine } from './machine.ts';
import { machineOf, Optimizer } from './optimizer.ts';
import type { OptimizerDefinition } from './optimizer-definition.ts';
import { type OptimizerConfig, type OptimizerOptions, resolveOptions } from './options.ts';
import { once } from './warnings.ts';

/** An optimizer that is a rule and its options: all but the wrapper for loss scaling. `Config` is what `getConfig` gives. */
export abstract class RuleOptimizer<
  V,
  G = V,
  M extends Mode = Mode,
  Config extends OptimizerConfig = OptimizerConfig,
> extends Optimizer<V, G, M> {
  readonly className: string;
  readonly #config: Config;

  /** @internal */
  protected constructor(
    definition: OptimizerDefinition,
    options: OptimizerOptions,
    backend: Backend<V, G, M>,
    extras: Extras<object> = {},
  ) {
    const checked = resolveExtras(extras);
    const warn = once(checked.onWarning);
    const config = resolveOptions<Config>(options, definition, warn);
    const ruleConfig = resolve<object>(definition.options, pick(config, Object.keys(definition.options)), 'options');
    super(makeMachine({ backend, definition, config, ruleConfig, extras: checked, warn }), config.name);
    this.className = definition.className;
    this.#config = config;
  }

  /** The options. `learningRate` is the number in force, in float32, or the schedule or function. */
  override getConfig(): Config {
    return { ...this.#config, learningRate: machineOf(this).rate };
  }

  /** `loss * lossScaleFactor`, or the loss where that is null. */
  override scaleLoss(loss: number): number {
    return loss * (this.#config.lossScaleFactor ?? 1);
  }
}

function pick(config: object, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, (config as Record<string, unknown>)[name]]));
}
