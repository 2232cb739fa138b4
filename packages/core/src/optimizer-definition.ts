import { BOOLEAN, type Kind, NUMBER, NUMBER_OR_NULL, type Spec } from './check.ts';
import type { AnyRule } from './rules/rule.ts';

/** What an optimizer is, besides what all share. */
export interface OptimizerDefinition {
  /** Keras's, or one of your own. */
  readonly className: string;
  /** The first part of the paths of its own variables, where the user names none. */
  readonly name: string;
  /** The options of the rule, in the order of `getConfig`. */
  readonly options: Spec;
  /** Defaults of options that all optimizers share, where they are not Keras's usual ones. */
  readonly defaults: {
    readonly learningRate: number;
    /** Where it is a number, null is refused. */
    readonly weightDecay?: number;
  };
  readonly rule: AnyRule;
}

/** A default for an option, and the numbers that it may be. `null` as a default means a number or null. */
export type OptionSpec =
  | number
  | boolean
  | null
  | {
      /** What it is when it is not given. */
      readonly default: number | null;
      /** The smallest number that is taken. */
      readonly minimum?: number;
      /** The largest number that is taken. */
      readonly maximum?: number;
    };

type Widened<T> = T extends boolean ? boolean : T extends null ? number | null : number;

/** What options are worth, by their specs. */
export type OptionValues<Specs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { readonly default: infer Default }
    ? Widened<Default>
    : Widened<Specs[Name]>;
};

/** How an option is checked. NaN passes any range, as in Keras. */
export function kindOf(spec: OptionSpec): readonly [fallback: unknown, ...Kind] {
  if (typeof spec === 'boolean') return [spec, ...BOOLEAN];
  const {
    default: fallback,
    minimum = -Infinity,
    maximum = Infinity,
  } = typeof spec === 'object' && spec !== null ? spec : { default: spec };
  const [test, wanted] = fallback === null ? NUMBER_OR_NULL : NUMBER;
  if (minimum === -Infinity && maximum === Infinity) return [fallback, test, wanted];
  const isInRange = (value: unknown): boolean =>
    test(value as never) && !((value as number) < minimum) && !((value as number) > maximum);
  return [fallback, isInRange, `${wanted}${rangeOf(minimum, maximum)}`];
}

function rangeOf(minimum: number, maximum: number): string {
  if (maximum === Infinity) return ` of at least ${minimum}`;
  return minimum === -Infinity ? ` of at most ${maximum}` : ` from ${minimum} to ${maximum}`;
}
