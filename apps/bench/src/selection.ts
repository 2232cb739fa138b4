import type { Contender } from './contender.ts';
import { CONTENDERS } from './contenders.ts';
import { UsageError } from './errors.ts';
import { OPTION_SETS, type OptionSet } from './options.ts';
import { VARIABLES } from './overhead.ts';
import { TRAINED } from './training.ts';
import { type Workload, WORKLOADS } from './workloads.ts';

/** What the bench consists of. */
export const PARTS = ['steps', 'sets', 'overhead', 'heap', 'training'] as const;
export type Part = (typeof PARTS)[number];
const ALL_KINDS = ['workload', 'options', 'contender', 'variables'] as const;
type Kind = (typeof ALL_KINDS)[number];

/** What kinds of words a part knows. */
const KINDS: Readonly<Record<Part, readonly Kind[]>> = {
  steps: ['workload', 'options', 'contender'],
  sets: ['workload', 'contender'],
  overhead: ['variables'],
  heap: ['options'],
  training: ['contender'],
};

/** What is to be measured. */
export interface Selection {
  readonly parts: ReadonlySet<Part>;
  /** By size: who breaks off has all options of what is small. */
  readonly steps: readonly { readonly workload: Workload; readonly set: OptionSet }[];
  readonly sets: readonly { readonly workload: Workload; readonly contender: Contender }[];
  readonly contenders: readonly Contender[];
  readonly variables: readonly number[];
  readonly heap: readonly OptionSet[];
  readonly trained: readonly string[];
}

/** What the part `sets` has where no word says otherwise. */
const SETS_WORKLOADS = WORKLOADS.filter(({ name }) => name === '1e6');
const SETS_CONTENDERS = CONTENDERS.filter(({ name }) => name === 'wasm:arena');

const QUICK_WORKLOADS = ['1e3', '1e5', '1e6'];
const QUICK_OPTIONS = ['plain', 'momentum', 'nesterov+decay', 'nesterov+decay+clip+ema', 'all:update'];
const QUICK_HEAP = OPTION_SETS.filter(({ name }) => name === 'momentum' || name === 'all');
const QUICK_VARIABLES = [1, 1000];
/** With momentum only. */
const QUICK_MODELS = ['200x16x16', 'mobilenet_v2'];

const isPart = (word: string): word is Part => PARTS.some((part) => part === word);
const base = (name: string): string => name.split(':')[0]!;

function optionSets(word: string): readonly OptionSet[] {
  const named = OPTION_SETS.filter(({ name }) => name === word || base(name) === word);
  return named.length > 0 ? named : OPTION_SETS.filter(({ name }) => name.split(/[+:]/).includes(word));
}

const contenders = (word: string): string[] =>
  [...CONTENDERS.map(({ name }) => name), ...TRAINED].filter((name) => name === word || base(name) === word);

type Named = Readonly<Record<Kind, ReadonlySet<unknown>>>;

/** What the words name, by its kind; nothing of a kind means all of it. */
function namedBy(words: readonly string[]): Named {
  const named = { workload: new Set(), options: new Set(), contender: new Set(), variables: new Set() };
  for (const word of words) {
    const found: Record<Kind, readonly unknown[]> = {
      workload: WORKLOADS.filter(({ name }) => name === word),
      options: optionSets(word),
      contender: contenders(word),
      variables: VARIABLES.filter((count) => String(count) === word),
    };
    const kinds = ALL_KINDS.filter((kind) => found[kind].length > 0);
    for (const kind of kinds) for (const one of found[kind]) named[kind].add(one);
    if (kinds.length === 0 && !isPart(word)) {
      throw new UsageError(
        `--only ${word}: names no part, workload, option, contender or number of variables; see --help`,
      );
    }
  }
  return named;
}

/** Whether a quick run has it, where the words leave it open. */
function isQuick({ name }: Workload, set: OptionSet, named: Named): boolean {
  if (named.options.size === 0 && !QUICK_OPTIONS.includes(set.name)) return false;
  if (named.workload.size > 0 || QUICK_WORKLOADS.includes(name)) return true;
  return QUICK_MODELS.includes(name) && set.name === 'momentum';
}

/**
 * What the words of `--only` name; with `quick` less of what they leave open.
 *
 * @throws UsageError for a word that names nothing
 */
export function select(only: string, quick: boolean): Selection {
  const words = only.split(/\s+/).filter((word) => word !== '');
  const named = namedBy(words);
  const used = ALL_KINDS.filter((kind) => named[kind].size > 0);
  const listed = words.filter(isPart);
  /** Those that are named, or where none is what stands for all. */
  const has = <T>(kind: Kind, all: readonly T[], unnamed: readonly T[] = all): readonly T[] =>
    named[kind].size > 0 ? all.filter((one) => named[kind].has(one)) : unnamed;
  /** `sets` knows what `steps` knows, and who asks for some steps does not mean both. */
  const asked = (part: Part): boolean =>
    listed.length > 0 ? listed.includes(part) : part !== 'sets' || words.length === 0;
  const knows = (part: Part): boolean => asked(part) && used.every((kind) => KINDS[part].includes(kind));
  return {
    parts: new Set(PARTS.filter(knows)),
    steps: has('workload', WORKLOADS)
      .toSorted((a, b) => a.elements - b.elements)
      .flatMap((workload) => has('options', OPTION_SETS).map((set) => ({ workload, set })))
      .filter(({ workload, set }) => !quick || isQuick(workload, set, named)),
    sets: has('workload', WORKLOADS, SETS_WORKLOADS).flatMap((workload) =>
      CONTENDERS.filter((one) =>
        named.contender.size === 0 ? SETS_CONTENDERS.includes(one) : named.contender.has(one.name),
      ).map((contender) => ({ workload, contender })),
    ),
    contenders: CONTENDERS.filter(({ name, slow }) =>
      named.contender.size === 0 ? !(quick && slow) : named.contender.has(name),
    ),
    variables: has('variables', VARIABLES, quick ? QUICK_VARIABLES : VARIABLES),
    heap: has('options', OPTION_SETS, quick ? QUICK_HEAP : OPTION_SETS).filter(({ timed }) => timed === 'all'),
    trained: has('contender', TRAINED),
  };
}
