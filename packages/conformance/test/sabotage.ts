import { createHash } from 'node:crypto';
import type { GoldenFile, GoldenFiles, Manifest } from '../src/goldens/format.ts';
import { neighbour, roundTo } from '../src/numbers.ts';
import { random } from '../src/random.ts';

/** A number that was moved: the case and the path inside it. */
export interface Moved {
  readonly file: string;
  readonly id: string;
  readonly path: readonly (string | number)[];
  readonly from: number;
  readonly to: number;
}

export interface Sabotage {
  readonly files: GoldenFiles;
  readonly moved: readonly Moved[];
  readonly removed: readonly string[];
  readonly truncated: string;
}

interface Plan {
  readonly seed: number;
  readonly numbers?: number;
  readonly removed?: number;
  readonly truncate?: boolean;
  /** How many inputs of one case may be moved: the effects of two can hide each other. */
  readonly inputsPerCase?: number;
  /** Which numbers may be moved: by the path inside the case. */
  readonly among?: (path: readonly (string | number)[], file: GoldenFile) => boolean;
}

type Tree = Record<string | number, unknown>;

/** Paths of all numbers that are floats in the recording. */
function floatPaths(node: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof node === 'number') return [path];
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    floatPaths(value, [...path, Array.isArray(node) ? Number(key) : key]),
  );
}

const rates = ['learningRateUsed', 'learningRate', 'dynamicScale'];

/** What of a case is a float by the format: values, gradients, expectations, rates, points of schedules. */
export function isFloat(path: readonly (string | number)[]): boolean {
  const [top, , field] = path;
  if (top === 'variables') return field === 'values';
  if (top === 'steps') return field === 'grads' && path.length === 5;
  if (top === 'expect')
    return (
      rates.includes(String(field)) || ['variables', 'momentums', 'accumulators', 'averages'].includes(String(field))
    );
  return top === 'final' || top === 'values' || top === 'farValues' || top === 'fractionalValues';
}

/** What the optimizer computes, and a comparison shows; not what it is given. */
export function isExpectation(path: readonly (string | number)[]): boolean {
  return isFloat(path) && path[0] !== 'variables' && path[0] !== 'steps';
}

const at = (node: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce((inner, key) => (inner as Tree)[key], node);

/** One case a line, as the recorder writes them. */
function print({ cases, ...head }: GoldenFile & { name?: string }): string {
  const { name: _, ...rest } = head as { name?: string };
  const open = JSON.stringify({ ...rest, cases: [] }).slice(0, -2);
  const lines = cases.map((one) =>
    JSON.stringify(one, (_key, value: unknown) => (Object.is(value, -0) ? '-0.0' : value)).replaceAll('"-0.0"', '-0.0'),
  );
  return `${open}\n${lines.join(',\n')}\n]}\n`;
}

/** A copy of goldens with numbers moved by one ulp, cases removed, and a file cut off. The manifest stays as it was. */
export function sabotage(
  goldens: GoldenFiles,
  { seed, numbers = 20, removed: remove = 3, truncate = true, inputsPerCase = Infinity, among = isFloat }: Plan,
): Sabotage {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const files = { ...goldens };
  const names = Object.keys(goldens).filter((name) => name !== 'manifest.json');
  const truncated = truncate
    ? pick(names.filter((name) => name.startsWith('trajectories') && !name.includes('float')))
    : '';
  if (truncated)
    files[truncated] = goldens[truncated]!.slice(0, Math.floor(goldens[truncated]!.length * (0.3 + next() * 0.6)));
  const parsed = new Map(
    names
      .filter((name) => name !== truncated && name !== 'checks.json')
      .map((name): [string, GoldenFile] => [name, JSON.parse(goldens[name]!) as GoldenFile]),
  );
  const removed: string[] = [];
  while (removed.length < remove) {
    const [, file] = pick([...parsed].filter(([, { cases }]) => cases.length > 1));
    const cases = file.cases as unknown as { id: string }[];
    const [gone] = cases.splice(Math.floor(next() * cases.length), 1);
    removed.push(gone!.id);
  }
  const moved: Moved[] = [];
  while (moved.length < numbers) {
    const [name, file] = pick([...parsed].filter(([, { kind }]) => kind !== 'checks'));
    const one = pick(file.cases as readonly { id: string; dtype?: string }[]);
    if (one.dtype === 'float16') continue;
    const paths = floatPaths(one).filter((path) => isFloat(path) && among(path, file));
    if (paths.length === 0) continue;
    const path = pick(paths);
    const dtype = one.dtype === 'float64' && !rates.includes(String(path[2])) ? 'float64' : 'float32';
    const from = roundTo(dtype, at(one, path) as number);
    const here = moved.filter((other) => other.id === one.id);
    const isInput = !isExpectation(path);
    if (isInput && here.filter((other) => !isExpectation(other.path)).length === inputsPerCase) continue;
    if (here.some((other) => other.path.join() === path.join())) continue;
    const to = neighbour(from, next() < 0.5 ? 1 : -1, dtype);
    (at(one, path.slice(0, -1)) as Tree)[path.at(-1)!] = to;
    moved.push({ file: name, id: one.id, path, from, to });
  }
  for (const [name, file] of parsed) if (removed.length + moved.length > 0) files[name] = reprint(goldens[name]!, file);
  return { files, moved, removed, truncated };
}

/** Files in which nothing changed stay as they are, byte for byte. */
function reprint(text: string, file: GoldenFile): string {
  const unchanged = JSON.stringify(JSON.parse(text)) === JSON.stringify(file);
  return unchanged ? text : print(file);
}

/** The same cases under another set's name, with a manifest of their own: goldens that this package has never seen. */
export function asUnseen(goldens: GoldenFiles): GoldenFiles {
  const manifest = JSON.parse(goldens['manifest.json']!) as Manifest;
  const files: Record<string, string> = {};
  const entries: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(manifest.files)) {
    const text = goldens[name]!.replace('"set":"public"', '"set":"other"');
    files[name] = text;
    entries[name] = {
      ...entry,
      bytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
    };
  }
  files['manifest.json'] = JSON.stringify({ ...manifest, set: 'other', files: entries });
  return files;
}
