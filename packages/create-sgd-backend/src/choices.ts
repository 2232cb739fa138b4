import { basename, resolve } from 'node:path';
import { type Flags, UsageError } from './flags.ts';

export const MODES = ['sync', 'async'] as const;

/** What a project is made from. */
export interface Choices {
  readonly folder: string;
  readonly name: string;
  readonly mode: (typeof MODES)[number];
  readonly engine: { readonly name: string; readonly range: string } | null;
}

const PACKAGE = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/** Fills in the defaults, and checks. */
export function choicesFrom({ folder, mode = 'sync', engine = '', name }: Flags): Choices {
  if (!folder) throw new UsageError('the folder is missing');
  const named = name ?? basename(resolve(folder)).toLowerCase().replaceAll(/\s+/g, '-');
  if (!PACKAGE.test(named)) throw new UsageError(`--name: expected the name of an npm package, got "${named}"`);
  if (mode !== 'sync' && mode !== 'async') throw new UsageError(`--mode: expected sync or async, got "${mode}"`);
  return { folder, name: named, mode, engine: engineFrom(engine) };
}

function engineFrom(text: string): Choices['engine'] {
  if (text === '') return null;
  const at = text.indexOf('@', 1);
  const name = at < 0 ? text : text.slice(0, at);
  const range = at < 0 ? '*' : text.slice(at + 1);
  if (!PACKAGE.test(name) || !/^[\w.^~<>=|* -]+$/.test(range))
    throw new UsageError(`--engine: expected PACKAGE or PACKAGE@RANGE, got "${text}"`);
  return { name, range };
}

const TAKEN = new Set(
  'await break case catch class const continue default delete do else enum export extends false finally for function if import in instanceof let new null package private public return static super switch this throw true try typeof var void while with yield todo'.split(
    ' ',
  ),
);

/** The name of the factory: `@me/my-backend` makes `myBackend`. */
export function identifierOf(name: string): string {
  const words = name
    .slice(name.indexOf('/') + 1)
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
  const joined = words.map((word, i) => (i === 0 ? word : word[0]!.toUpperCase() + word.slice(1))).join('');
  if (/^[a-z]/.test(joined) && !TAKEN.has(joined)) return joined;
  return `backend${joined.replace(/^./, (first) => first.toUpperCase())}`;
}
