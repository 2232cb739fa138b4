import type { Mutant } from './mutants.mjs';
/** Runs mutants, of some files or a sample; gives how many were noticed, and what was not. */
export function mutate(options?: {
  readonly sample?: number;
  readonly files?: readonly string[];
}): Promise<{ noticed: number; survived: Mutant[]; invalid: number; same: number }>;
