import { ARRAY, resolve, type Resolved, type Spec } from './check.ts';
import type { Measure } from './contract.ts';
import type { ParameterGroup } from './groups.ts';
import type { SGDRuleConfig } from './rules/sgd.ts';
import { type OnWarning, toConsole } from './warnings.ts';

/** What Keras's optimizers do not have. `Options` are those of the rule, which groups may have of their own. */
export interface Extras<Options = SGDRuleConfig> {
  /** Variables with a rate, a decay or options of the rule of their own, or frozen. */
  readonly groups?: readonly ParameterGroup<Options>[] | undefined;
  /**
   * What to do with a step whose gradients are not all finite, or whose norm for `clipnorm` or `globalClipnorm` is not: squares overflow
   * float32 from 1.8e19 on. `"keras"` (default): take it. `"skip"`: drop it, nothing changed, and return `false`. `"throw"`: drop it and
   * throw `SGD_NOT_FINITE`. The last two cost a reading pass over the gradients, which also forms the norms.
   */
  readonly nonFinite?: 'keras' | 'skip' | 'throw' | undefined;
  /** Norms to take at each updating step, for `optimizer.measured()`. Default: none. */
  readonly measure?: readonly Measure[] | undefined;
  /** Receives warnings; default `console.warn`. */
  readonly onWarning?: OnWarning | undefined;
}

const among = (known: readonly string[], wanted: unknown[]): boolean =>
  wanted.every((x) => known.includes(x as string));

const SPEC: Spec = {
  groups: [[], ...ARRAY],
  nonFinite: ['keras', (x: unknown) => among(['keras', 'skip', 'throw'], [x]), '"keras", "skip" or "throw"'],
  measure: [
    [],
    (x: unknown) => Array.isArray(x) && among(['gradient-norm', 'update-norm'] satisfies Measure[], x),
    'a list of "gradient-norm", "update-norm"',
  ],
  onWarning: [toConsole, (x: unknown) => typeof x === 'function', 'a function'],
};

/** Fills in the defaults and checks; the groups are checked by {@link resolveGroups}. */
export function resolveExtras(extras: Extras<object>): Resolved<Extras<object>> {
  return resolve(SPEC, extras, 'extras');
}
