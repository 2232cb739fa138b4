import { fileURLToPath } from 'node:url';
import { LOSS_SCALES } from './loss-scale.ts';
import { OPTIONS } from './options.ts';
import { SCHEDULES } from './schedules.ts';

/** Where the pictures are kept. */
export const FOLDER: string = fileURLToPath(new URL('../../../../docs/pictures/', import.meta.url));

/** All pictures of the pages: the name of the file, and its SVG. */
export function pictures(): Map<string, string> {
  const all = Object.entries({ ...OPTIONS, ...LOSS_SCALES, ...SCHEDULES });
  return new Map(all.map(([name, draw]) => [`${name}.svg`, draw()]));
}
