/** Where a value does not fit, what was expected there, and what stands there. */
interface Misfit {
  readonly path: string;
  readonly wanted: string;
  readonly value: unknown;
}

/** Looks at a value out of JSON; `undefined` when it fits. */
export type Rule = (value: unknown) => Misfit | undefined;

type Tree = Readonly<Record<string, unknown>>;

/** Longest text and list, and deepest nesting, of arguments that the format leaves open. */
const OPEN = { text: 1000, list: 1000, depth: 12 } as const;
/** Most of a text that a message repeats. */
const SHOWN = 60;

/** Text for a message: short, on one line, without characters that a terminal obeys. */
export function printable(text: string, most = 200): string {
  const short = text.length > most ? `${text.slice(0, most)}…` : text;
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/** A value out of JSON for a message: of lists and objects only the kind. */
function kindOf(value: unknown): string {
  if (typeof value === 'string') return `"${printable(value, SHOWN)}"`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** What is wrong with a value in a line, or `undefined`. */
export function misfitOf(rule: Rule, value: unknown): string | undefined {
  const misfit = rule(value);
  if (!misfit) return undefined;
  const at = printable(misfit.path.replace(/^\./, ''));
  return `${at}${at && ': '}expected ${misfit.wanted}, got ${kindOf(misfit.value)}`;
}

const under = (key: string | number, { path, ...rest }: Misfit): Misfit => ({
  path: (typeof key === 'number' ? `[${key}]` : `.${key}`) + path,
  ...rest,
});

/** Values for which the test holds. */
export const where =
  (wanted: string, test: (value: unknown) => boolean): Rule =>
  (value) =>
    test(value) ? undefined : { path: '', wanted, value };

/** What all rules want; the first that is broken counts. */
export const all =
  (...rules: readonly Rule[]): Rule =>
  (value) => {
    for (const rule of rules) {
      const misfit = rule(value);
      if (misfit) return misfit;
    }
    return undefined;
  };

/** Lists of at most so many, each of which fits. */
export const list =
  (rule: Rule, most: number = Infinity): Rule =>
  (value) => {
    if (!Array.isArray(value) || value.length > most) {
      return { path: '', wanted: most === Infinity ? 'a list' : `a list of at most ${most}`, value };
    }
    for (let i = 0; i < value.length; i++) {
      const misfit = rule(value[i]);
      if (misfit) return under(i, misfit);
    }
    return undefined;
  };

/** Objects with these fields; others are not looked at. */
export const record =
  (fields: Readonly<Record<string, Rule>>): Rule =>
  (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return { path: '', wanted: 'an object', value };
    for (const key in fields) {
      const misfit = fields[key]!(Object.hasOwn(value, key) ? (value as Tree)[key] : undefined);
      if (misfit) return under(key, misfit);
    }
    return undefined;
  };

/** The same, or nothing at all. */
export const optional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined ? undefined : rule(value);

/** The same, or null. */
export const nullable =
  (rule: Rule): Rule =>
  (value) =>
    value === null ? undefined : rule(value);

/** Anything that JSON holds, within bounds: arguments of optimizers and schedules. */
export const open: Rule = (value) => openAt(value, OPEN.depth);

function openAt(value: unknown, depth: number): Misfit | undefined {
  const wanted = `at most ${OPEN.depth} levels, lists and texts of at most ${OPEN.list}`;
  if (typeof value === 'string' && value.length > OPEN.text) return { path: '', wanted, value };
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  if (depth === 0 || entries.length > OPEN.list) return { path: '', wanted, value };
  for (const [key, inner] of entries) {
    const misfit = key.length > OPEN.text ? { path: '', wanted, value: key } : openAt(inner, depth - 1);
    if (misfit) return under(Array.isArray(value) ? Number(key) : printable(key, SHOWN), misfit);
  }
  return undefined;
}
