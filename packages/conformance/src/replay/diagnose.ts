import type { AnyBackend } from '../backend.ts';
import { isExact } from '../backend.ts';
import type { Detail } from '../failure.ts';
import { bitsOf, findMovedFloat } from '../goldens/bits.ts';
import { type GoldenNumber, type TrajectoryCase, toNumber } from '../goldens/format.ts';
import { neighbour, roundTo } from '../numbers.ts';
import { compare, type Mismatch, type Strictness } from './compare.ts';
import { observe } from './observe.ts';
import { movedDetail } from './twin.ts';

type Path = readonly (string | number)[];
type Change = { readonly path: Path; readonly to: number };

const toTheBit: Strictness = { exact: true, rtol: 0, atol: 0 };
/** Replays that a search for altered inputs may take. */
const BUDGET = 4000;

/**
 * Which numbers of a case were altered after the recording, given that its floats do not match its `bits`: from the hash and from
 * what the optimizer computes.
 */
export async function diagnose(one: TrajectoryCase, backend: AnyBackend): Promise<Detail[]> {
  const found = isExact(backend) ? await search(one, backend) : single(one);
  if (found) return found.map(({ path, to }) => movedDetail(one, path, to, at(one, path)));
  const message = `${one.id}: inputs or expectations are not those of its hash (bits ${one.bits}, computed ${bitsOf(one)}), and could not be located`;
  return [{ case: one.id, field: 'bits', expected: one.bits, got: bitsOf(one), moved: true, message }];
}

function single(one: TrajectoryCase): Change[] | null {
  const moved = findMovedFloat(one);
  return moved && [{ path: moved.place.path, to: moved.moved }];
}

/** Numbers covered by the hash: what else differs (rates, counters) does not count here. */
function hashed(mismatches: readonly Mismatch[]): Mismatch[] {
  return mismatches.filter(
    ({ path, expected, got }) =>
      typeof path.at(-1) === 'number' && path.length >= 4 && typeof expected === 'number' && typeof got === 'number',
  );
}

async function mismatchesOf(one: TrajectoryCase, backend: AnyBackend): Promise<Mismatch[]> {
  return hashed(compare(one, await observe(one, backend), toTheBit));
}

const corrections = (mismatches: readonly Mismatch[]): Change[] =>
  mismatches.map(({ path, got }) => ({ path, to: got as number }));

const matches = (one: TrajectoryCase, changes: readonly Change[]): boolean =>
  bitsOf(withChanges(one, changes)) === one.bits;

/**
 * Expectations that were moved are those that differ from what is computed; if putting the computed ones in place gives the hash,
 * that is the answer. Otherwise an input was moved, too: the inputs that can explain the first difference are tried one by one.
 */
async function search(one: TrajectoryCase, backend: AnyBackend): Promise<Change[] | null> {
  const inputs: Change[] = [];
  let budget = BUDGET;
  let current = one;
  let mismatches = await mismatchesOf(one, backend);
  if (matches(one, corrections(mismatches))) return corrections(mismatches);
  const lone = single(one);
  if (lone) return lone;
  while (mismatches.length > 0) {
    let best: { change: Change; mismatches: Mismatch[] } | null = null;
    for (const change of candidates(current, mismatches)) {
      if (budget-- === 0) return null;
      const rest = await mismatchesOf(withChanges(current, [change]), backend);
      const all = [...inputs, change, ...corrections(rest)];
      if (matches(one, all)) return all;
      if (rest.length < (best?.mismatches ?? mismatches).length) best = { change, mismatches: rest };
    }
    if (best === null) return null;
    inputs.push(best.change);
    current = withChanges(one, inputs);
    ({ mismatches } = best);
  }
  return null;
}

/**
 * A number that no hash covers and that alone explains all differences: an argument of the optimizer (its serialized form tells what
 * it was) or a learning rate set on the way (the recorded rates tell).
 */
export async function explain(
  one: TrajectoryCase,
  backend: AnyBackend,
  mismatches: readonly Mismatch[],
): Promise<Detail | null> {
  const used = new Map(one.expect.map(({ step, learningRateUsed }) => [step, toNumber(learningRateUsed)]));
  const rates = one.steps.flatMap(({ setLearningRate: rate }, step) => {
    const path = ['steps', step, 'setLearningRate'];
    if (typeof rate !== 'object') return used.has(step) ? [{ path, to: used.get(step)! }] : [];
    return numbersIn(rate.config).flatMap((inside) => bothMoves(one, [...path, 'config', ...inside]));
  });
  for (const change of [...configCandidates(one), ...rates]) {
    const found = toNumber(at(one, change.path));
    const trial = withChanges(one, [change]);
    const rest = compare(trial, await observe(trial, backend), toTheBit);
    if (rest.length === 0 && mismatches.length > 0) return movedDetail(one, change.path, change.to, found);
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

/** Inputs whose move by an ulp can show first where the first difference is. */
function candidates(one: TrajectoryCase, mismatches: readonly Mismatch[]): Change[] {
  const { path } = mismatches[0]!;
  const final = path[0] === 'final';
  const [variable, element] = (final ? path.slice(2) : path.slice(3)) as [number, number];
  const recorded = final ? one.expect.length : (path[1] as number);
  const last = final ? one.steps.length - 1 : one.expect[recorded]!.step;
  const after = recorded === 0 ? -1 : (one.expect[recorded - 1]?.step ?? -1);
  const changes: Change[] = moves(one, ['variables', variable, 'values', element]);
  for (let step = last; step >= 0; step--) {
    const { grads = [], vars } = one.steps[step]!;
    grads.forEach((values, j) => {
      const owner = vars?.[j] ?? j;
      values?.forEach((_, e) => {
        // a norm carries a move to all elements, at once; without one an element stands for itself
        const coupled = one.exactness !== 'exact' && step > after;
        if (coupled || (owner === variable && e === element))
          changes.push(...moves(one, ['steps', step, 'grads', j, e]));
      });
    });
  }
  return changes;
}

function moves(one: TrajectoryCase, path: Path): Change[] {
  const dtype = one.dtype as 'float32' | 'float64';
  const value = roundTo(dtype, toNumber(at(one, path)));
  return [1, -1].map((direction) => ({ path, to: neighbour(value, direction, dtype) }));
}

/** What stands at a path. */
export function at(one: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<string | number, unknown>)[key], one);
}

/** A copy with some numbers replaced; only what lies on their paths is copied. */
export function withChanges<T>(one: T, changes: readonly Change[]): T {
  return changes.reduce((copy, { path, to }) => replace(copy, path, to) as T, one);
}

function replace(node: unknown, path: Path, to: number): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return toGolden(to);
  const copy = (Array.isArray(node) ? [...(node as unknown[])] : { ...(node as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = replace(copy[key], rest, to);
  return copy;
}

function toGolden(x: number): GoldenNumber {
  return Number.isFinite(x) ? x : (String(x) as GoldenNumber);
}
