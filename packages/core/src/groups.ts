import { BOOLEAN, NUMBER, NUMBER_OR_NULL, resolve, type Resolved, type Spec } from './check.ts';
import { refuse } from './errors.ts';
import { isRate, type LearningRate, RATE_WANTED } from './learning-rate.ts';
import type { SGDRuleConfig } from './rules/sgd.ts';
import { short, shown } from './shown.ts';

/**
 * Variables that are trained by other numbers than the rest. Beside what every group has, it may have any option of the optimizer's rule,
 * such as `momentum` of SGD, instead of the optimizer's.
 */
export type ParameterGroup<Options = SGDRuleConfig> = GroupOptions & Partial<Options>;

/** What every group may have, whatever the optimizer. */
export interface GroupOptions {
  /** Which variables: exact paths, or regular expressions searched in paths. Each must find a variable. */
  readonly paths: readonly (string | RegExp)[];
  /** Instead of the optimizer's. */
  readonly learningRate?: LearningRate | undefined;
  /** The group's rate is the optimizer's (or the group's own) times this; default 1. */
  readonly learningRateMultiplier?: number | undefined;
  /** Instead of the optimizer's; `null`: none. */
  readonly weightDecay?: number | null | undefined;
  /** Whether gradients of these variables are left aside, without a warning. Averages still follow them. Default `false`. */
  readonly frozen?: boolean | undefined;
}

/** The options that every group has. */
export const GROUP_OPTIONS: readonly string[] = [
  'paths',
  'learningRate',
  'learningRateMultiplier',
  'weightDecay',
  'frozen',
];

/** What every group falls back on. */
export interface Shared {
  readonly weightDecay: number | null;
  /** The options of the rule, and how they are checked. */
  readonly ruleConfig: object;
  readonly ruleOptions: Spec;
}

/** A checked group; without a learning rate it follows the optimizer's. */
export type Group = Omit<Resolved<GroupOptions>, 'learningRate'> & {
  readonly learningRate: LearningRate | undefined;
  /** The options of the rule. */
  readonly config: object;
};

export function isPattern(value: unknown): value is string | RegExp {
  return typeof value === 'string' || value instanceof RegExp;
}

/** Copies a regular expression without the flags that make it remember where it stopped. */
export function stateless(pattern: RegExp): RegExp {
  return new RegExp(pattern, pattern.flags.replace(/[gy]/g, ''));
}

/** Checks the user's groups. The first of the result is the optimizer's own, of all variables that no group names. */
export function resolveGroups(
  groups: readonly GroupOptions[],
  { weightDecay, ruleConfig, ruleOptions }: Shared,
): readonly Group[] {
  const options = Object.entries(ruleOptions).map(([name, [, ...kind]]) => {
    return [name, [(ruleConfig as Record<string, unknown>)[name], ...kind]] as const;
  });
  const spec: Spec = {
    paths: [
      undefined,
      (x: unknown) => Array.isArray(x) && x.length > 0 && x.every(isPattern),
      'a list of paths or regular expressions',
    ],
    learningRate: [undefined, (x: unknown) => x === undefined || isRate(x), RATE_WANTED],
    learningRateMultiplier: [1, ...NUMBER],
    ...Object.fromEntries(options),
    weightDecay: [weightDecay, ...NUMBER_OR_NULL],
    frozen: [false, ...BOOLEAN],
  };
  const group = (given: Readonly<Record<string, unknown>>): Group => ({
    ...(given as Omit<Group, 'config'>),
    config: Object.fromEntries(options.map(([name]) => [name, given[name]])),
  });
  const own = {
    paths: [],
    learningRate: undefined,
    learningRateMultiplier: 1,
    ...ruleConfig,
    weightDecay,
    frozen: false,
  };
  return [group(own), ...groups.map((given, i) => group(resolve(spec, given, `groups[${i}]`)))];
}

/** The group of each path. A path that two groups name, or a name that finds nothing, is refused. */
export function assignGroups(groups: readonly Group[], paths: readonly string[]): number[] {
  const groupOf = paths.map(() => 0);
  const places = new Map(paths.map((path, i) => [path, i]));
  groups.forEach(({ paths: names }, group) => {
    for (const name of names) {
      const found = finds(name, paths, places);
      if (found.length === 0)
        refuse(
          'SGD_UNKNOWN_VARIABLE',
          `groups[${group - 1}]: no variable has the path ${typeof name === 'string' ? short(name) : shown(name)}`,
        );
      for (const i of found) {
        const other = groupOf[i] as number;
        if (other !== 0 && other !== group)
          refuse(
            'SGD_INVALID_OPTION',
            `groups[${other - 1}] and groups[${group - 1}] both name ${short(paths[i] as string)}`,
          );
        groupOf[i] = group;
      }
    }
  });
  return groupOf;
}

/** The places of the paths that a name is for. */
function finds(name: string | RegExp, paths: readonly string[], places: ReadonlyMap<string, number>): number[] {
  if (typeof name === 'string') {
    const place = places.get(name);
    return place === undefined ? [] : [place];
  }
  const pattern = stateless(name);
  return paths.flatMap((path, i) => (pattern.test(path) ? [i] : []));
}
