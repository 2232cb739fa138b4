import { outro } from '@clack/prompts';
import { ask } from './ask.ts';
import { choicesFrom } from './choices.ts';
import { help, parse, UsageError } from './flags.ts';
import { makeProject } from './project.ts';

/** What the command line needs of `process`. */
export interface Io {
  readonly stdin: { readonly isTTY?: boolean };
  readonly stdout: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** The command line. Gives the exit status. */
export async function main(args: readonly string[], { stdin, stdout, stderr }: Io): Promise<number> {
  try {
    const flags = parse(args);
    if (flags === 'help') {
      stdout.write(help);
      return 0;
    }
    const asks = Boolean(stdin.isTTY && stdout.isTTY) && !flags.yes;
    const answers = asks ? await ask(flags) : flags;
    if (answers === null) {
      stderr.write('create-sgd-backend: called off, nothing was made\n');
      return 1;
    }
    const choices = choicesFrom(answers);
    makeProject(choices);
    const made = `${choices.name}, in ${choices.folder}`;
    if (asks) outro(made);
    else stdout.write(`${made}\n`);
    stdout.write(`
  cd ${choices.folder}
  npm install
  npm run next    # the first check that fails says what to fill in
`);
    return 0;
  } catch (error) {
    const usage = error instanceof UsageError;
    stderr.write(`create-sgd-backend: ${(error as Error).message.split('\n', 1)[0]}${usage ? ' (see --help)' : ''}\n`);
    return usage ? 2 : 1;
  }
}
