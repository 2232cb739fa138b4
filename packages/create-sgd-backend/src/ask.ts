import * as prompts from '@clack/prompts';
import { choicesFrom } from './choices.ts';
import type { Flags } from './flags.ts';

/** What the check says of an answer; `undefined` when it is fine. */
function complaint(flags: Flags): string | undefined {
  try {
    choicesFrom(flags);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Asks for a line; an empty one is the default. */
const text = (
  message: string,
  placeholder: string,
  defaultValue: string,
  flags: (answer: string) => Omit<Flags, 'yes'>,
) =>
  prompts.text({
    message,
    placeholder,
    defaultValue,
    validate: (answer) => complaint({ ...flags(answer || defaultValue), yes: false }),
  });

/** Asks for what no flag says; `null` when the user calls it off. */
export async function ask(flags: Flags): Promise<Flags | null> {
  prompts.intro('a backend for @sgd/core');
  const folder =
    flags.folder ?? (await text('In which folder?', 'my-backend', 'my-backend', (answer) => ({ folder: answer })));
  if (prompts.isCancel(folder)) return null;
  const mode =
    flags.mode ??
    (await prompts.select({
      message: 'Do the calls of your engine return at once?',
      options: [
        { value: 'sync', label: 'sync', hint: 'at once, and they throw' },
        { value: 'async', label: 'async', hint: 'promises, which reject' },
      ],
    }));
  if (prompts.isCancel(mode)) return null;
  const engine =
    flags.engine ??
    (await text('Which npm package is the engine?', 'PACKAGE or PACKAGE@RANGE; none: just Enter', '', (answer) => ({
      folder: 'x',
      engine: answer,
    })));
  if (prompts.isCancel(engine)) return null;
  return { ...flags, folder, mode, engine };
}
