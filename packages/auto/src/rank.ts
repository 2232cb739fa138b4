import type { Gradients } from './backends.ts';
import type { Candidate, Opened } from './candidate.ts';
import { type Environment, runtimeOf, type Unusable } from './environment.ts';
import { figureOf } from './figure-of.ts';
import type { SelectOptions } from './options.ts';
import { elementsOf, type Workload } from './workload.ts';

/** Whether a name, of `prefer` or `require`, means a candidate. */
export const isNamed = ({ name }: Candidate, wanted: string): boolean =>
  name === wanted || name.split(':')[0] === wanted;

/** A candidate that took a step. */
export interface Usable {
  readonly candidate: Candidate;
  readonly opened: Opened<Gradients>;
  readonly nanoseconds: number | undefined;
}

const DEVICES = ['gpu', 'cpu', 'software'];

/** Those that run, best first. */
export function ranked(
  found: ReadonlyMap<Candidate, Opened<Gradients> | Unusable>,
  times: ReadonlyMap<Candidate, number> | null,
  environment: Environment,
  workload: Workload,
  { prefer = [] }: SelectOptions,
): Usable[] {
  const elements = Math.max(1, elementsOf(workload));
  const runtime = runtimeOf(environment);
  const usable: Usable[] = [];
  for (const [candidate, opened] of found) {
    if (opened instanceof Error) continue;
    const time = times?.get(candidate);
    const nanoseconds =
      time === undefined ? figureOf(runtime, candidate.name, opened.device, elements) : (time * 1e6) / elements;
    usable.push({ candidate, opened, nanoseconds });
  }
  const preferred = [prefer].flat();
  const preference = ({ candidate }: Usable): number => {
    const place = preferred.findIndex((name) => isNamed(candidate, name));
    return place < 0 ? preferred.length : place;
  };
  const device = ({ opened }: Usable): number => (times ? 0 : DEVICES.indexOf(opened.device));
  // among devices of a kind figures count if all have them; else the order of the candidates
  const known = (kind: number): boolean =>
    usable.filter((one) => device(one) === kind).every((one) => one.nanoseconds !== undefined);
  return usable.toSorted(
    (a, b) =>
      preference(a) - preference(b) ||
      device(a) - device(b) ||
      (known(device(a)) ? a.nanoseconds! - b.nanoseconds! : 0),
  );
}

/** Why the first of these is taken, in one line. */
export function whyOf(
  [first, second]: readonly Usable[],
  times: ReadonlyMap<Candidate, number> | null,
  workload: Workload,
  { prefer, require }: SelectOptions,
): string {
  if (!first) return 'none of these runs here';
  if (require !== undefined) return `it is required; ${first.opened.note}`;
  if ([prefer ?? []].flat().some((name) => isNamed(first.candidate, name)))
    return `it is preferred; ${first.opened.note}`;
  if (!second) return `no other one runs here; ${first.opened.note}`;
  const elements = elementsOf(workload).toLocaleString('en-US');
  if (
    first.nanoseconds !== undefined &&
    second.nanoseconds !== undefined &&
    (times || first.opened.device === second.opened.device)
  ) {
    const ratio = (second.nanoseconds / first.nanoseconds).toPrecision(2);
    return `${ratio} times as fast as ${second.candidate.name} at ${elements} elements, ${times ? 'measured now' : 'by figures measured before'}; ${first.opened.note}`;
  }
  if (first.opened.device !== second.opened.device)
    return `it computes on the ${first.opened.device === 'gpu' ? 'GPU' : 'processor'}; ${first.opened.note}`;
  return `first in order, as there are no figures; ${first.opened.note}`;
}
