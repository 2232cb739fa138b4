import { makeBackend, type TfjsBackend, type TfjsOptions } from './backend.ts';
import { own } from './own.ts';

export function tfjs(options: TfjsOptions = {}): TfjsBackend {
  return makeBackend(options.tf ?? own, options);
}
export type { TfjsBackend, TfjsOptions };
