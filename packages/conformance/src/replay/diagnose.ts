import type { AnyBackend } from '../backend.ts';
import { isExact } from '../backend.ts';
import type { Detail } from '../failure.ts';
import { bitsOf, findMovedFloat } from '../goldens/bits.ts';
import { type GoldenNumber, type TrajectoryCase, toNumber } from '../goldens/format.ts';
import { neighbour, roundTo } from '../numbers.ts';
import { compare, type Mismatch, type Strictness, strictnessOf } from './compare.ts';
import { observe } from './observe.ts';
import { movedDetail } from './twin.ts';

type Path = readonly (string | number)[];
/** What is left for a search. */
type Budget = { left: number };
type Change = { readonly path: Path; readonly to: number };

const toTheBit: Strictness = { exact: true, rtol: 0, atol: 0, looseRates: false };
/** Elements that a search for altered numbers may step over and compare; what a step costs besides counts as so many. */
const BUDGET = 2_500_000;
const STEP = 16;
/** What it costs to look whether a hash is met by one more number, in replays. */
const SETTLING = 4;
/** Inputs that explain as much as the best one, and are looked at closer. */
const TIES = 8;
/** Differences without neighbours that are looked at as the effect of an input. */
const ANCHORS = 6;

/**
 * What is wrong with a case of a file that was altered after the recording: the numbers that were moved, as far as the case's hash and
 * what the optimizer computes tell, and what else differs.
 */
export async function diagnose(one: TrajectoryCase, backend: AnyBackend): Promise<Detail[]> {
  const intact = one.bits === undefined || bitsOf(one) === one.bits;
  const exact = isExact(backend);
  const found = intact ? [] : exact ? await search(one, backend) : single(one);
  if (!found) {
    const message = `${one.id}: inputs or expectations are not those of its hash (bits ${one.bits}, computed ${bitsOf(one)}), and could not be located`;
    return [{ case: one.id, field: 'bits', expected: one.bits, got: bitsOf(one), moved: true, message }];
  }
  const moved = found.map(({ path, to }) => movedDetail(one, path, to, at(one, path)));
  const repaired = withChanges(one, found);
  const rest = compare(repaired, await observe(repaired, backend), exact ? toTheBit : strictnessOf(backend));
  if (rest.length === 0) return moved;
  const cause = exact ? await explain(repaired, backend, { left: BUDGET }) : null;
  // what the hash covers is right by now, so that a difference in it is the backend's
  const others = rest.map((detail) => ({ ...detail, moved: !isHashed(detail) }));
  return [...moved, ...(cause ? [cause] : others)];
}

/** Takes what replays of the case cost out of the budget; false when that is more than is left. */
function affords(budget: Budget, { steps, expect, variables }: TrajectoryCase, replays = 1): boolean {
  budget.left -=
    replays * (steps.length + expect.length) * variables.reduce((sum, { values }) => sum + values.length, STEP);
  return budget.left >= 0;
}

function single(one: TrajectoryCase): Change[] | null {
  const moved = findMovedFloat(one);
  return moved && [{ path: moved.place.path, to: moved.moved }];
}

/** Whether the hash covers a number: rates and counters it does not. */
function isHashed({ path, expected, got }: Mismatch): boolean {
  return path.length >= 4 && typeof path.at(-1) === 'number' && typeof expected === 'number' && typeof got === 'number';
}

async function mismatchesOf(one: TrajectoryCase, backend: AnyBackend): Promise<Mismatch[]> {
  return compare(one, await observe(one, backend), toTheBit).filter(isHashed);
}

const corrections = (mismatches: readonly Mismatch[]): Change[] =>
  mismatches.map(({ path, got }) => ({ path, to: got as number }));

const matches = (one: TrajectoryCase, changes: readonly Change[]): boolean =>
  bitsOf(withChanges(one, changes)) === one.bits;

/**
 * Expectations that were moved are those that differ from what is computed; if putting the computed ones in place gives the hash,
 * that is the answer. Otherwise an input was moved, too: those that can explain a difference that lasts are tried one by one, and what
 * has no effect at all is found by the hash alone.
 */
async function search(one: TrajectoryCase, backend: AnyBackend): Promise<Change[] | null> {
  const budget = { left: BUDGET };
  const mismatches = await mismatchesOf(one, backend);
  return settled(one, [], mismatches) ?? explainFrom(one, backend, [], mismatches, budget);
}

/** Goes on from inputs that were put right and the differences that are left, best explanation first. */
async function explainFrom(
  one: TrajectoryCase,
  backend: AnyBackend,
  inputs: readonly Change[],
  mismatches: readonly Mismatch[],
  budget: Budget,
): Promise<Change[] | null> {
  if (mismatches.length === 0) return null;
  let best: { inputs: Change[]; rest: Mismatch[] }[] = [];
  for (const change of candidates(one, mismatches)) {
    if (!affords(budget, one)) return null;
    const trial = [...inputs, change];
    const rest = await mismatchesOf(withChanges(one, trial), backend);
    const all = [...trial, ...corrections(rest)];
    if (matches(one, all)) return all;
    if (rest.length >= mismatches.length) continue;
    best = [...best, { inputs: trial, rest }].sort((a, b) => a.rest.length - b.rest.length).slice(0, TIES);
  }
  for (const trial of best) {
    if (!affords(budget, one, SETTLING)) return null;
    const all = settled(one, trial.inputs, trial.rest);
    if (all) return all;
  }
  for (const trial of best) {
    const all = await explainFrom(one, backend, trial.inputs, trial.rest, budget);
    if (all) return all;
  }
  return null;
}

/** The inputs, and the differences as moved expectations, if with them and at most one number more the case matches its hash. */
function settled(one: TrajectoryCase, inputs: readonly Change[], mismatches: readonly Mismatch[]): Change[] | null {
  const all = [...inputs, ...corrections(mismatches)];
  if (matches(one, all)) return all;
  // what lasts is no moved expectation, but follows from an input that is still to be found
  const lasting = new Set(lastingOf(one, mismatches));
  const alone = [...inputs, ...corrections(mismatches.filter((mismatch) => !lasting.has(mismatch)))];
  const sizes = new Set<number>();
  for (const changes of [alone, inputs, all]) {
    if (sizes.has(changes.length)) continue;
    sizes.add(changes.length);
    const last = single(withChanges(one, changes));
    if (last) return [...changes, ...last];
  }
  return null;
}

/**
 * A number that no hash covers and that alone explains all differences: an argument of the optimizer (its serialized form tells what
 * it was) or a learning rate set on the way (the recorded rates tell).
 */
async function explain(one: TrajectoryCase, backend: AnyBackend, budget: Budget): Promise<Detail | null> {
  const used = new Map(one.expect.map(({ step, learningRateUsed }) => [step, toNumber(learningRateUsed)]));
  const rates = one.steps.flatMap(({ setLearningRate: rate }, step) => {
    if (rate === undefined) return [];
    const path = ['steps', step, 'setLearningRate'];
    if (typeof rate !== 'object') return used.has(step) ? [{ path, to: used.get(step)! }] : [];
    return numbersIn(rate.config).flatMap((inside) => bothMoves(one, [...path, 'config', ...inside]));
  });
  for (const change of [...configCandidates(one), ...rates]) {
    if (!affords(budget, one)) return null;
    const found = toNumber(at(one, change.path));
    const trial = withChanges(one, [change]);
    const rest = compare(trial, await observe(trial, backend), toTheBit);
    if (rest.length === 0) return movedDetail(one, change.path, change.to, found);
  }
  return null;
}

function bothMoves(one: TrajectoryCase, path: Path): Change[] {
  const value = toNumber(at(one, path));
  return (['float32', 'float64'] as const).flatMap((dtype) =>
    [1, -1].map((direction) => ({ path, to: neighbour(roundTo(dtype, value), direction, dtype) })),
  );
}

function numbersIn(tree: unknown, path: Path = []): Path[] {
  if (typeof tree === 'number') return [path];
  if (typeof tree !== 'object' || tree === null) return [];
  return Object.entries(tree).flatMap(([key, value]) =>
    numbersIn(value, [...path, Array.isArray(tree) ? Number(key) : key]),
  );
}

/** Arguments that differ from the serialized form, with the value that stands there. */
function configCandidates(one: TrajectoryCase): Change[] {
  return numbersIn(one.optimizer.config).flatMap((inside) => {
    const serialized = inside.reduce<unknown>(
      (node, key) => (node as Record<string | number, unknown> | undefined)?.[key],
      one.serialized.config,
    );
    const path = ['optimizer', 'config', ...inside];
    return typeof serialized === 'number' && serialized !== at(one, path) ? [{ path, to: serialized }] : [];
  });
}

/** The record that a difference is in; the final values come after the last. */
const recordOf = (one: TrajectoryCase, { path }: Mismatch): number =>
  path[0] === 'final' ? one.expect.length : (path[1] as number);
const column = ({ path }: Mismatch): string => path.slice(path[0] === 'final' ? 2 : 3).join('.');

/** Those whose record before or after differs at the same element, too. */
function lastingOf(one: TrajectoryCase, mismatches: readonly Mismatch[]): Mismatch[] {
  const places = new Set(mismatches.map((mismatch) => `${recordOf(one, mismatch)} ${column(mismatch)}`));
  return mismatches.filter((mismatch) =>
    [-1, 1].some((by) => places.has(`${recordOf(one, mismatch) + by} ${column(mismatch)}`)),
  );
}

/** Inputs whose move by an ulp can show first where a difference begins that lasts, or where one stands alone. */
function candidates(one: TrajectoryCase, mismatches: readonly Mismatch[]): Change[] {
  const anchors = new Map(mismatches.map((mismatch) => [`${recordOf(one, mismatch)} ${column(mismatch)}`, mismatch]));
  const lasting = lastingOf(one, [...anchors.values()]);
  const kept = new Set(lasting);
  const alone = [...anchors.values()].filter((mismatch) => !kept.has(mismatch));
  const seen = new Set<string>();
  return [...lasting.slice(0, 1), ...alone.slice(0, ANCHORS)]
    .flatMap((anchor) => causes(one, anchor))
    .filter(({ path, to }) => {
      const key = `${path.join()} ${to}`;
      return !seen.has(key) && seen.add(key);
    });
}

/** Inputs of which a difference may be the first effect. */
function causes(one: TrajectoryCase, anchor: Mismatch): Change[] {
  const recorded = recordOf(one, anchor);
  const last = recorded === one.expect.length ? one.steps.length - 1 : one.expect[recorded]!.step;
  const after = recorded === 0 ? -1 : one.expect[recorded - 1]!.step;
  const [variable, element] = anchor.path.slice(-2) as [number, number];
  const changes: Change[] = recorded === 0 ? moves(one, ['variables', variable, 'values', element]) : [];
  for (let step = last; step > after; step--) {
    const { grads = [], vars } = one.steps[step]!;
    grads.forEach((values, j) =>
      values?.forEach((_, e) => {
        // a norm carries a move to all elements; without one an element stands for itself
        const own = (vars?.[j] ?? j) === variable && e === element;
        if (own || one.exactness !== 'exact') changes.push(...moves(one, ['steps', step, 'grads', j, e]));
      }),
    );
  }
  return changes;
}

function moves(one: TrajectoryCase, path: Path): Change[] {
  const dtype = one.dtype as 'float32' | 'float64';
  const value = roundTo(dtype, toNumber(at(one, path)));
  return [1, -1].map((direction) => ({ path, to: neighbour(value, direction, dtype) }));
}

/** What stands at a path. */
function at(one: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string | number, unknown>)[key], one);
}

/** A copy with some numbers replaced; only what lies on their paths is copied, and that once. */
function withChanges<T>(one: T, changes: readonly Change[]): T {
  type Node = Record<string | number, unknown>;
  const fresh = new Set<unknown>();
  const copyOf = (node: unknown): Node => {
    if (fresh.has(node)) return node as Node;
    const copy = Array.isArray(node) ? [...(node as unknown[])] : { ...(node as object) };
    fresh.add(copy);
    return copy as Node;
  };
  const root = { one } as Node;
  fresh.add(root);
  for (const { path, to } of changes) {
    let node = root;
    const keys = ['one', ...path];
    for (const key of keys.slice(0, -1)) node = (node[key] = copyOf(node[key])) as Node;
    node[keys.at(-1)!] = toGolden(to);
  }
  return root.one as T;
}

function toGolden(x: number): GoldenNumber {
  return Number.isFinite(x) ? x : (String(x) as GoldenNumber);
}
