import { isObject, want, wantKnownKeys } from './check.ts';
import type { Measure } from './contract.ts';
import type { ParameterGroup } from './groups.ts';
import type { OnWarning } from './warnings.ts';

/** What Keras's SGD does not have. */
export interface Extras {
  /** Variables with a rate, momentum or decay of their own, or frozen. */
  readonly groups?: readonly ParameterGroup[] | undefined;
  /**
   * What to do with a step whose gradients are not all finite. `"keras"` (default): take it. `"skip"`: drop it, nothing changed, and
   * return `false`. `"throw"`: drop it and throw `SGD_NOT_FINITE`. The last two cost a reading pass over the gradients.
   */
  readonly nonFinite?: 'keras' | 'skip' | 'throw' | undefined;
  /** Norms to take at each updating step, for {@link Optimizer.measured}. Default: none. */
  readonly measure?: readonly Measure[] | undefined;
  /** Receives warnings; default `console.warn`. */
  readonly onWarning?: OnWarning | undefined;
}

const POLICIES: readonly unknown[] = ['keras', 'skip', 'throw'] satisfies readonly Extras['nonFinite'][];
const MEASURES: readonly string[] = ['gradient-norm', 'update-norm'] satisfies readonly Measure[];

/** Checks extras, groups left aside. */
export function checkExtras(extras: Extras): void {
  want(isObject(extras), 'extras', 'an object', extras);
  wantKnownKeys(extras, ['groups', 'nonFinite', 'measure', 'onWarning'], 'extras');
  const { nonFinite = 'keras', measure = [], onWarning } = extras;
  want(POLICIES.includes(nonFinite), 'nonFinite', '"keras", "skip" or "throw"', nonFinite);
  const known = Array.isArray(measure) && measure.every((m: unknown) => (MEASURES as readonly unknown[]).includes(m));
  want(known, 'measure', `an array of ${MEASURES.join(', ')}`, measure);
  want(onWarning === undefined || typeof onWarning === 'function', 'onWarning', 'a function', onWarning);
}
