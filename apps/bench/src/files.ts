import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FileError, UsageError } from './errors.ts';

/**
 * A file to be written at the end; what stands in the way is found before anything is measured. The folder that it lies in is made,
 * not those above.
 *
 * @throws UsageError when no file can be there; what is returned throws a FileError
 */
export function fileAt(flag: string, file: string): (text: string) => void {
  const path = resolve(file);
  const refuse = (what: string): never => {
    throw new UsageError(`${flag} ${file}: expected a file that can be written (${what})`);
  };
  const attempt = <T>(act: () => T, ignored: string): T | undefined => {
    try {
      return act();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === ignored ? undefined : refuse(message);
    }
  };
  attempt(() => mkdirSync(dirname(path)), 'EEXIST');
  if (attempt(() => statSync(path), 'ENOENT')?.isDirectory()) refuse('it is a folder');
  return (text) => {
    try {
      writeFileSync(path, text);
    } catch (cause) {
      throw new FileError(`${flag} ${file}: could not be written: ${(cause as Error).message}`, { cause });
    }
  };
}
