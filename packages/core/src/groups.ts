import { BOOLEAN, NUMBER, NUMBER_OR_NULL, resolve, type Resolved, type Spec, UNIT } from './check.ts';
import { refuse } from './errors.ts';
import { isRate, type LearningRate, RATE_WANTED } from './learning-rate.ts';
import { short, shown } from './shown.ts';

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

/** What every group falls back on. */
export interface Shared {
  readonly momentum: number;
  readonly weightDecay: number | null;
}

/** A checked group; without a learning rate it follows the optimizer's. */
export type Group = Omit<Resolved<ParameterGroup>, 'learningRate'> & {
  readonly learningRate: LearningRate | undefined;
};

export function isPattern(value: unknown): value is string | RegExp {
  return typeof value === 'string' || value instanceof RegExp;
}

/** Copies a regular expression without the flags that make it remember where it stopped. */
export function stateless(pattern: RegExp): RegExp {
  return new RegExp(pattern, pattern.flags.replace(/[gy]/g, ''));
}

/** Checks the user's groups. The first of the result is the optimizer's own, of all variables that no group names. */
export function resolveGroups(groups: readonly ParameterGroup[], { momentum, weightDecay }: Shared): readonly Group[] {
  const spec: Spec = {
    paths: [
      undefined,
      (x: unknown) => Array.isArray(x) && x.length > 0 && x.every(isPattern),
      'a list of paths or regular expressions',
    ],
    learningRate: [undefined, (x: unknown) => x === undefined || isRate(x), RATE_WANTED],
    learningRateMultiplier: [1, ...NUMBER],
    momentum: [momentum, ...UNIT],
    weightDecay: [weightDecay, ...NUMBER_OR_NULL],
    frozen: [false, ...BOOLEAN],
  };
  const own: Group = {
    paths: [],
    learningRate: undefined,
    learningRateMultiplier: 1,
    momentum,
    weightDecay,
    frozen: false,
  };
  return [own, ...groups.map((given, i) => resolve<Group>(spec, given, `groups[${i}]`))];
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
