import { isObject, shown, want } from './check.ts';
import type { Config } from './config.ts';
import type { Backend, Mode } from './contract.ts';
import { reading, refuse } from './errors.ts';
import type { Extras } from './extras.ts';
import { GROUP_OPTIONS } from './groups.ts';
import { kindOf, type OptimizerDefinition, type OptionSpec, type OptionValues } from './optimizer-definition.ts';
import { BASE, type OptimizerConfig, type OptimizerOptions } from './options.ts';
import { RuleOptimizer } from './rule-optimizer.ts';
import { checkScalars } from './rules/check-rule.ts';
import type { AnyRule, Rule } from './rules/rule.ts';
import { short } from './shown.ts';

/** What {@link defineOptimizer} takes. */
export interface NewOptimizer<
  Specs extends Readonly<Record<string, OptionSpec>>,
  Slot extends string,
  Scalar extends string,
> {
  /** What it is called in states and messages; the paths of its own variables begin with it, in snake_case. */
  readonly className: string;
  /** The options of the rule by name: a default (a number, a boolean or null), or a default with a range. Default: none. */
  readonly options?: Specs;
  /** Default of the option `learningRate`; 0.01 if it is not given. */
  readonly learningRate?: number;
  /** What is done to a variable; its name is the class's. */
  readonly rule: Omit<Rule<OptionValues<Specs>, Slot, Scalar>, 'name'>;
}

/** An optimizer of {@link defineOptimizer}. */
export interface DefinedOptimizer<Options, V, G = V, M extends Mode = Mode> extends RuleOptimizer<
  V,
  G,
  M,
  OptimizerConfig & Config<Options>
> {}

/** A class of {@link defineOptimizer}. It is used as `SGD` is. */
export interface OptimizerClass<Options> {
  /** The same as `new`, from what `getConfig` gives. */
  fromConfig<V, G, M extends Mode>(
    config: OptimizerOptions & Partial<Options>,
    backend: Backend<V, G, M>,
    extras?: Extras<Options>,
  ): DefinedOptimizer<Options, V, G, M>;
  /**
   * @param options - its own, and those that every optimizer has
   * @param backend - the engine, e.g. `cpu()`
   * @param extras - groups, a policy for gradients that are not finite, measures, warnings
   * @throws SgdError as of `SGD`
   */
  new <V, G, M extends Mode>(
    options: OptimizerOptions & Partial<Options>,
    backend: Backend<V, G, M>,
    extras?: Extras<Options>,
  ): DefinedOptimizer<Options, V, G, M>;
}

/**
 * Makes a class like `SGD` from a rule of your own: with checked options, config, state, groups, averages, clipping, accumulation and loss
 * scaling, on every engine. An engine that lacks an operation of the rule refuses it when the optimizer is built.
 *
 * The rule is recorded, not run on values: it must not depend on them. `if (g)` and `===` on values can't be seen, and are always the same.
 *
 * @param optimizer - see {@link NewOptimizer}
 * @throws SgdError `SGD_INVALID_OPTION`: a name, option or rule that can't be; what the rule gives is looked at when an optimizer is built
 *
 * @example
 * ```ts
 * import { defineOptimizer } from '@sgd/core';
 *
 * export const SignMomentum = defineOptimizer({
 *   className: 'SignMomentum',
 *   options: { momentum: 0.9 },
 *   rule: {
 *     scalars: ['momentum'],
 *     slots: () => [{ name: 'momentum' }],
 *     update(ops, config, { x, g, momentum: m }, { learningRate, momentum }) {
 *       const next = ops.add(ops.mul(m, momentum), g);
 *       return { x: ops.sub(x, ops.mul(ops.sign(next), learningRate)), momentum: next };
 *     },
 *   },
 * });
 * ```
 */
export function defineOptimizer<
  const Specs extends Readonly<Record<string, OptionSpec>> = Readonly<Record<never, never>>,
  const Slot extends string = never,
  const Scalar extends string = never,
>(optimizer: NewOptimizer<Specs, Slot, Scalar>): OptimizerClass<OptionValues<Specs>> {
  const definition = reading('defineOptimizer', () => definitionOf(optimizer as never));
  class Defined<V, G, M extends Mode> extends RuleOptimizer<V, G, M> {
    constructor(options: OptimizerOptions, backend: Backend<V, G, M>, extras?: Extras<object>) {
      super(definition, options, backend, extras);
    }

    static fromConfig<V, G, M extends Mode>(
      config: OptimizerOptions,
      backend: Backend<V, G, M>,
      extras?: Extras<object>,
    ): Defined<V, G, M> {
      return new Defined(config, backend, extras);
    }
  }
  Object.defineProperty(Defined, 'name', { value: definition.className });
  return Defined as unknown as OptimizerClass<OptionValues<Specs>>;
}

/** Names that options of a rule can't have: those of all optimizers, and of groups. */
const TAKEN: readonly string[] = ['name', 'learningRate', ...Object.keys(BASE), ...GROUP_OPTIONS];

function definitionOf(given: NewOptimizer<Readonly<Record<string, OptionSpec>>, string, string>): OptimizerDefinition {
  want(isObject(given), 'defineOptimizer', 'an object', given);
  const { className, options = {}, learningRate = 0.01, rule } = given;
  want(
    typeof className === 'string' && /^[A-Za-z]\w*$/.test(className),
    'className',
    'letters, digits and "_"',
    className,
  );
  want(isObject(options), 'options', 'an object', options);
  want(typeof learningRate === 'number', 'learningRate', 'a number', learningRate);
  want(isObject(rule), 'rule', 'an object', rule);
  want(typeof rule.slots === 'function', 'rule: slots', 'a function', rule.slots);
  want(typeof rule.update === 'function', 'rule: update', 'a function', rule.update);
  const named = { ...rule, slots: rule.slots.bind(rule), update: rule.update.bind(rule), name: className };
  const names = Object.keys(options);
  for (const name of names) checkOption(name, options[name]);
  checkScalars(named as AnyRule, names);
  for (const name of named.scalars ?? []) {
    const spec = options[name];
    const fallback = isObject(spec) ? spec.default : spec;
    want(
      typeof fallback === 'number',
      `options: ${short(name)}`,
      'a number, since it is a scalar of the rule',
      fallback,
    );
  }
  return {
    className,
    name: className.replace(/(?<=[a-z\d])[A-Z]/g, (letter) => `_${letter}`).toLowerCase(),
    options: Object.fromEntries(Object.entries(options).map(([name, spec]) => [name, kindOf(spec)])),
    defaults: { learningRate },
    rule: named as AnyRule,
  };
}

function checkOption(name: string, spec: unknown): void {
  if (TAKEN.includes(name)) refuse('SGD_INVALID_OPTION', `options: ${name} is an option of every optimizer`);
  want(/^[a-z][A-Za-z\d]*$/.test(name), 'options', 'names in camelCase', name);
  const isPlain = spec === null || typeof spec === 'number' || typeof spec === 'boolean';
  const { default: fallback } = isObject(spec) ? spec : { default: undefined };
  const isRange = fallback === null || typeof fallback === 'number';
  const what = `options: ${short(name)}`;
  want(isPlain || isRange, what, 'a number, a boolean, null or { default, minimum, maximum }', spec);
  for (const bound of ['minimum', 'maximum'] as const) {
    const value = isObject(spec) ? spec[bound] : undefined;
    want(value === undefined || typeof value === 'number', `${what}: ${bound}`, 'a number', shown(value));
  }
}
