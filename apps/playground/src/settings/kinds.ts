/** How a value is written, and what may be written. `read` throws what was expected, in words. */
export interface Kind<T> {
  /** What the control looks like. */
  readonly control: 'text' | 'checkbox' | 'choice';
  readonly read: (text: string) => T;
  readonly write: (value: T) => string;
  /** Of a choice. */
  readonly words?: readonly string[];
  /** For the keyboards of phones. */
  readonly numeric?: boolean;
}

interface Bounds {
  readonly least?: number;
  readonly most?: number;
  /** A bound that is not in itself allowed. */
  readonly above?: number;
}

const fits = (value: number, { least = -Infinity, most = Infinity, above = -Infinity }: Bounds): boolean =>
  value >= least && value <= most && value > above;

function inWords({ least, most, above }: Bounds): string {
  if (above !== undefined) return ` above ${above}`;
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  return least === undefined ? '' : ` of at least ${least}`;
}

function numeric(what: string, test: (value: number) => boolean, bounds: Bounds): Kind<number> {
  return {
    control: 'text',
    numeric: true,
    read(text) {
      const value = Number(text);
      if (text.trim() !== '' && test(value) && fits(value, bounds)) return value;
      throw new Error(`expected ${what}${inWords(bounds)}, got ${text.trim() === '' ? 'nothing' : `“${text}”`}`);
    },
    write: String,
  };
}

/** A finite number. */
export const number = (bounds: Bounds = {}): Kind<number> => numeric('a number', Number.isFinite, bounds);

/** A whole number that is exact. */
export const integer = (bounds: Bounds = {}): Kind<number> => numeric('a whole number', Number.isSafeInteger, bounds);

/** The same, or nothing: `null`. */
export function optional<T>(kind: Kind<T>): Kind<T | null> {
  return {
    ...kind,
    read: (text) => (text.trim() === '' ? null : kind.read(text)),
    write: (value) => (value === null ? '' : kind.write(value)),
  };
}

/** Numbers with commas or spaces in between. */
export function list(kind: Kind<number>): Kind<readonly number[]> {
  return {
    control: 'text',
    read: (text) =>
      text
        .split(/[\s,;]+/)
        .filter((part) => part !== '')
        .map((part) => kind.read(part)),
    write: (values) => values.join(', '),
  };
}

/** Yes or no; `1` and `0` in a link. */
export const flag: Kind<boolean> = {
  control: 'checkbox',
  read(text) {
    if (text === '1' || text === '0') return text === '1';
    throw new Error(`expected 1 or 0, got “${text}”`);
  },
  write: (value) => (value ? '1' : '0'),
};

/** One of a few words. */
export function choice<T extends string>(words: readonly T[]): Kind<T> {
  return {
    control: 'choice',
    words,
    read(text) {
      const word = words.find((known) => known === text);
      if (word !== undefined) return word;
      throw new Error(`expected one of ${words.join(', ')}, got “${text}”`);
    },
    write: (value) => value,
  };
}
