import { isNumberOrNull, isObject, want, wantKnownKeys } from './check.ts';
import { SgdError } from './errors.ts';
import { type LearningRate, RateHolder } from './learning-rate.ts';

/** Variables that are trained by other numbers than the rest. */
export interface ParameterGroup {
  /** Which variables: exact paths, or regular expressions searched in paths. Each must find a variable. */
  readonly paths: readonly (string | RegExp)[];
  /** Instead of the optimizer's. */
  readonly learningRate?: LearningRate | undefined;
  /** The group's rate is the optimizer's (or the group's own) times this; default 1. */
  readonly learningRateMultiplier?: number | undefined;
  /** Instead of the optimizer's; from 0 to 1. */
  readonly momentum?: number | undefined;
  /** Instead of the optimizer's; `null`: none. */
  readonly weightDecay?: number | null | undefined;
  /** Whether gradients of these variables are left aside, without a warning. Averages still follow them. Default `false`. */
  readonly frozen?: boolean | undefined;
}

/** A checked group. `null` and `undefined` stand for the optimizer's own value. */
export interface Group {
  readonly patterns: readonly (string | RegExp)[];
  readonly rate: RateHolder | null;
  readonly multiplier: number;
  readonly momentum: number;
  readonly weightDecay: number | null;
  readonly frozen: boolean;
}

const KEYS = ['paths', 'learningRate', 'learningRateMultiplier', 'momentum', 'weightDecay', 'frozen'];

/** Copies a regular expression without the flags that make it remember where it stopped. */
export function stateless(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
}

/** Checks the user's groups; the first of the result is the optimizer's own, for all variables that no group names. */
export function resolveGroups(
  groups: readonly ParameterGroup[],
  own: { readonly momentum: number; readonly weightDecay: number | null },
): readonly Group[] {
  want(Array.isArray(groups), 'groups', 'an array', groups);
  const rest: Group = { patterns: [], rate: null, multiplier: 1, frozen: false, ...own };
  return [rest, ...groups.map((group, i) => resolveGroup(group, `groups[${i}]`, own))];
}

function resolveGroup(
  group: ParameterGroup,
  at: string,
  own: { readonly momentum: number; readonly weightDecay: number | null },
): Group {
  want(isObject(group), at, 'an object', group);
  wantKnownKeys(group, KEYS, at);
  const { paths, learningRate, learningRateMultiplier: multiplier = 1, frozen = false } = group;
  const { momentum = own.momentum, weightDecay = own.weightDecay } = group;
  const isPattern = (p: unknown): boolean => typeof p === 'string' || p instanceof RegExp;
  const listed = Array.isArray(paths) && paths.length > 0 && paths.every(isPattern);
  want(listed, `${at}.paths`, 'a list of paths or regular expressions', paths);
  want(typeof multiplier === 'number', `${at}.learningRateMultiplier`, 'a number', multiplier);
  want(
    typeof momentum === 'number' && !(momentum < 0 || momentum > 1),
    `${at}.momentum`,
    'a number from 0 to 1',
    momentum,
  );
  want(isNumberOrNull(weightDecay), `${at}.weightDecay`, 'a number or null', weightDecay);
  want(typeof frozen === 'boolean', `${at}.frozen`, 'a boolean', frozen);
  const patterns = paths.map((p) => (typeof p === 'string' ? p : stateless(p)));
  const rate = learningRate === undefined ? null : new RateHolder(learningRate);
  return { patterns, rate, multiplier, momentum, weightDecay, frozen };
}

/** The group of each path. A path that two groups name, or a pattern that finds nothing, is refused. */
export function assignGroups(groups: readonly Group[], paths: readonly string[]): number[] {
  const found = paths.map(() => 0);
  groups.forEach(({ patterns }, group) => {
    for (const pattern of patterns) {
      let any = false;
      paths.forEach((path, i) => {
        if (typeof pattern === 'string' ? path !== pattern : !pattern.test(path)) return;
        any = true;
        if (found[i] !== 0 && found[i] !== group) {
          throw new SgdError(
            'SGD_INVALID_OPTION',
            `groups[${group - 1}] and groups[${(found[i] as number) - 1}] both name "${path}"`,
          );
        }
        found[i] = group;
      });
      if (!any) {
        throw new SgdError(
          'SGD_UNKNOWN_VARIABLE',
          `groups[${group - 1}].paths: ${pattern} is no variable's path; there are ${paths.join(', ')}`,
        );
      }
    }
  });
  return found;
}
