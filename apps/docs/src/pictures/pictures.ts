import { fileURLToPath } from 'node:url';
import { LOSS_SCALES } from './loss-scale.ts';
import { OPTIONS } from './options.ts';
import { PYTORCH } from './pytorch.ts';
import { SCHEDULES } from './schedules.ts';

/** Where the pictures are kept. */
export const FOLDER: string = fileURLToPath(new URL('../../../../docs/pictures/', import.meta.url));

/** All pictures of the pages: the name of the file, and its SVG. */
export async function pictures(): Promise<Map<string, string>> {
  const drawn = new Map<string, string>();
  for (const [name, draw] of Object.entries({ ...OPTIONS, ...LOSS_SCALES, ...SCHEDULES, ...PYTORCH })) {
    drawn.set(`${name}.svg`, await draw());
  }
  return drawn;
}
