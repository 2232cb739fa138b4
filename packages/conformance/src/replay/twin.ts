import { type Detail, show } from '../failure.ts';
import type { GoldenFile } from '../goldens/format.ts';
import { builtinTwin, type Goldens } from '../goldens/open.ts';
import { printable } from '../goldens/rules.ts';
import { compareJson } from './compare.ts';
import { ulpsBetween } from '../numbers.ts';

const parsed = new Map<string, GoldenFile>();

/** The case as this package has it, where the manifest describes one of our own files. */
export function twinOf<C extends { id: string }>(goldens: Goldens, file: string, one: C): C | undefined {
  const text = builtinTwin(file, goldens.manifest?.files[file]);
  if (text === undefined || text === goldens.texts[file]) return undefined;
  let twin = parsed.get(text);
  if (!twin) parsed.set(text, (twin = JSON.parse(text) as GoldenFile));
  return (twin.cases as readonly { id: string }[]).find(({ id }) => id === one.id) as C | undefined;
}

/** What of a case was changed after the recording; undefined when that can't be told in this way. */
export function movedInTwin<C extends { id: string }>(goldens: Goldens, file: string, one: C): Detail[] | undefined {
  const twin = twinOf(goldens, file, one);
  return (
    twin &&
    compareJson(twin, one).map((difference) => movedDetail(one, difference.path, difference.expected, difference.got))
  );
}

/** Describes a golden number that is not the recorded one. */
export function movedDetail(
  one: { id: string; dtype?: string; variables?: readonly { path: string }[]; expect?: readonly { step: number }[] },
  path: readonly (string | number)[],
  recorded: unknown,
  found: unknown,
): Detail {
  const dtype = one.dtype === 'float64' ? 'float64' : 'float32';
  const numbers = typeof recorded === 'number' && typeof found === 'number';
  const ulps = numbers ? ulpsBetween(rounded(recorded, dtype), rounded(found, dtype), dtype) : undefined;
  const where = placeOf(one, path);
  const message = `${one.id}: ${where.text}: altered: recorded ${show(recorded)}, the file has ${show(found)}${ulps ? ` (${ulps} ulp)` : ''}`;
  return {
    case: one.id,
    ...where.detail,
    expected: recorded,
    got: found,
    ...(ulps === undefined ? {} : { ulps }),
    moved: true,
    message,
  };
}

const rounded = (x: number, dtype: string): number => (dtype === 'float32' ? Math.fround(x) : x);

/** `expect.2.variables.0.5` in words. */
function placeOf(
  one: { variables?: readonly { path: string }[]; expect?: readonly { step: number }[]; vars?: unknown },
  path: readonly (string | number)[],
): { text: string; detail: Partial<Detail> } {
  const [top, index, field, variable, element] = path;
  const raw = { text: printable(path.join('.')), detail: { field: path.join('.') } };
  if (!one.variables) return raw;
  const named = (v: unknown): string => one.variables?.[Number(v)]?.path ?? String(v);
  if (top === 'variables' && field === 'values')
    return {
      text: `initial value of "${named(index)}", element ${String(variable)}`,
      detail: { field: 'values', variable: named(index), element: Number(variable) },
    };
  if (top === 'final' && element === undefined && variable !== undefined)
    return {
      text: `final of "${named(field)}", element ${String(variable)}`,
      detail: { field: 'final', variable: named(field), element: Number(variable) },
    };
  const step = top === 'expect' ? one.expect?.[Number(index)]?.step : top === 'steps' ? Number(index) : undefined;
  if (step === undefined) return raw;
  if (typeof element !== 'number' || typeof variable !== 'number')
    return { text: `step ${step}: ${path.slice(2).join('.')}`, detail: { step, field: path.slice(2).join('.') } };
  if (top === 'steps' && field === 'grads') {
    const vars = (one as unknown as { steps: { vars?: number[] }[] }).steps[step]?.vars;
    const owner = named(vars?.[Number(variable)] ?? variable);
    return {
      text: `step ${step}: gradient of "${owner}", element ${element}`,
      detail: { step, field: 'grads', variable: owner, element },
    };
  }
  return {
    text: `step ${step}: ${String(field)} of "${named(variable)}", element ${element}`,
    detail: { step, field: String(field), variable: named(variable), element },
  };
}
