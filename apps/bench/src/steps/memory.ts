import { freemem } from 'node:os';
import type { Contender } from '../contender.ts';
import { copyMemory } from '../copy.ts';
import type { OptionSet } from '../options.ts';
import type { Workload } from '../workloads.ts';

/** Of what the machine has free, at most this much is used, so that a whole run stays within 8 GB. */
const MOST = 6.5e9;

/** Bytes that the contenders of a heat may hold together. */
export const budget = (): number => Math.min(MOST, 0.7 * freemem());

/** Who takes turns with whom, and who can't at all. */
export interface Groups {
  readonly groups: readonly (readonly Contender[])[];
  readonly tooLarge: readonly { readonly contender: Contender; readonly why: string }[];
}

export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Puts contenders together as far as memory goes. What is left over takes its turns with the copies in a heat of its own. */
export function grouped(contenders: readonly Contender[], set: OptionSet, workload: Workload, bytes: number): Groups {
  const shared = 4 * workload.elements + copyMemory(workload.elements); // gradients, and what is copied
  const groups: { members: Contender[]; left: number }[] = [];
  const tooLarge: { contender: Contender; why: string }[] = [];
  for (const contender of contenders) {
    const needed = contender.memory(set, workload);
    const { most = Infinity } = contender;
    if (needed > most) {
      tooLarge.push({ contender, why: `needs ${gigabytes(needed)}, and its engine has ${gigabytes(most)}` });
    } else if (shared + needed > bytes) {
      tooLarge.push({ contender, why: `needs ${gigabytes(shared + needed)} of the ${gigabytes(bytes)} to be used` });
    } else {
      const group = groups.find(({ left }) => needed <= left);
      if (group) {
        group.members.push(contender);
        group.left -= needed;
      } else groups.push({ members: [contender], left: bytes - shared - needed });
    }
  }
  return { groups: groups.map(({ members }) => members), tooLarge };
}
