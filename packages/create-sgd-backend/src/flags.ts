import { parseArgs } from 'node:util';

export const help = `usage: npm create sgd-backend [FOLDER] [-- --mode sync|async] [--engine PACKAGE[@RANGE]] [--name NAME] [--yes]

Makes a backend for @sgd/core: TypeScript, the conformance suite wired for vitest, and a list of what is left to fill in.

  FOLDER                    where to; it must be empty, or not be there
  --mode sync|async         whether the calls of your engine return at once or promises; default: sync
  --engine PACKAGE[@RANGE]  the npm package of the engine: a peer dependency of yours; default: none
  --name NAME               the name of your package; default: that of the folder
  --yes                     ask nothing, and take the defaults; so too where there is no terminal
  --help                    this text

exit status: 0 made, 1 failed or called off, 2 wrong usage
`;

/** A wrong flag or answer: one line for the user. */
export class UsageError extends Error {}

export interface Flags {
  readonly folder?: string | undefined;
  readonly mode?: string | undefined;
  readonly engine?: string | undefined;
  readonly name?: string | undefined;
  readonly yes: boolean;
}

export function parse(args: readonly string[]): Flags | 'help' {
  const { values, positionals } = read(args);
  if (values.help) return 'help';
  const [folder, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`expected one folder, got ${positionals.join(' ')}`);
  return { folder, mode: values.mode, engine: values.engine, name: values.name, yes: values.yes ?? false };
}

function read(args: readonly string[]): {
  values: { mode?: string; engine?: string; name?: string; yes?: boolean; help?: boolean };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        mode: { type: 'string' },
        engine: { type: 'string' },
        name: { type: 'string' },
        yes: { type: 'boolean', short: 'y' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.replace(/\. .*$/s, ''));
  }
}
