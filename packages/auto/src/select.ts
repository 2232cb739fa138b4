import { SgdError, shown } from '@sgd/core';
import type { Backends, Gradients } from './backends.ts';
import { benchmark } from './benchmark.ts';
import type { Candidate, Opened } from './candidate.ts';
import { type Environment, here, runtimeOf, Unusable } from './environment.ts';
import { type BackendSelection, type SelectOptions, wantOptions } from './options.ts';
import { isNamed, ranked, type Usable, whyOf } from './rank.ts';
import { type Finding, type SelectionReport, SelectionError } from './report.ts';
import { tryOut } from './trial.ts';
import { wantWorkload, type Workload } from './workload.ts';

const DEFAULT_WORKLOAD: Workload = { shapes: [[100_000]] };

/**
 * Chooses among candidates that are named one by one: a bundle holds these and no other.
 *
 * Those for other gradients are left out. The rest are tried, one after the other: looked whether the environment has what they need, loaded, and
 * made to take a step whose result is known, then built with the options of the workload. Of those that can, the first is
 * taken that `prefer` names; else the fastest, timed here (`benchmark`) or by the figures that the package brings; GPUs before processors,
 * and programs that play a GPU last, where there are no figures. What was made for the others is given back.
 *
 * @throws SelectionError `SGD_UNSUPPORTED`, with the report: none runs, or not the one that is required; `SgdError` `SGD_INVALID_OPTION`, and
 * `SGD_UNSUPPORTED` for `benchmark` where the clock stands still while code runs; the signal's reason
 */
export async function selectFrom<G extends Gradients = 'host'>(
  candidates: readonly Candidate[],
  options: SelectOptions<G> = {},
): Promise<BackendSelection<G>> {
  wantOptions(options);
  const gradients = (options.gradients ?? 'host') as Gradients;
  const { environment = here(), workload = DEFAULT_WORKLOAD } = options;
  wantWorkload(workload);
  const considered = consideredOf(candidates, gradients, options);
  const found = new Map<Candidate, Opened<Gradients> | Unusable>();
  try {
    for (const candidate of considered) {
      options.signal?.throwIfAborted();
      options.onProgress?.(`trying ${candidate.name}`);
      found.set(candidate, await tryOut(candidate, environment, workload, options));
    }
    const times = options.benchmark ? await benchmark(found, gradients, workload, options) : null;
    const order = ranked(found, times, environment, workload, options);
    const report = reportOf(candidates, gradients, found, order, times, environment, workload, options);
    if (!order[0]) throw new SelectionError(`no engine can be chosen for gradients of "${gradients}"`, report);
    const backend = order[0].opened.backend as Backends[G];
    found.delete(order[0].candidate);
    return { backend, report };
  } finally {
    // what is left in it was not chosen
    for (const opened of found.values()) if (!(opened instanceof Error)) await opened.release?.();
  }
}

/** Those that are to be tried. */
function consideredOf(
  candidates: readonly Candidate[],
  gradients: Gradients,
  { require, prefer = [] }: SelectOptions,
): Candidate[] {
  const kinds = [...new Set(candidates.map((candidate) => candidate.gradients))];
  const fitting = candidates.filter((candidate) => candidate.gradients === gradients);
  if (fitting.length === 0) {
    const known = kinds.map((kind) => `"${kind}"`).join(', ');
    throw new SgdError('SGD_INVALID_OPTION', `gradients: expected one of ${known}, got ${shown(gradients)}`);
  }
  for (const [option, names] of [
    ['require', require === undefined ? [] : [require]],
    ['prefer', [prefer].flat()],
  ] as const) {
    for (const name of names) {
      if (fitting.some((candidate) => isNamed(candidate, name))) continue;
      const known = fitting.map((candidate) => candidate.name).join(', ');
      throw new SgdError(
        'SGD_INVALID_OPTION',
        `${option}: for gradients of "${gradients}" there are ${known}, got ${shown(name)}`,
      );
    }
  }
  return require === undefined ? fitting : fitting.filter((candidate) => isNamed(candidate, require));
}

function reportOf(
  candidates: readonly Candidate[],
  gradients: Gradients,
  found: ReadonlyMap<Candidate, Opened<Gradients> | Unusable>,
  order: readonly Usable[],
  times: ReadonlyMap<Candidate, number> | null,
  environment: Environment,
  workload: Workload,
  options: SelectOptions,
): SelectionReport {
  const measured = times ? 'now' : 'before';
  const findings = candidates.map((candidate): Finding => {
    const { name, package: from, gradients: kind } = candidate;
    const about = { name, package: from, gradients: kind };
    const opened = found.get(candidate);
    if (opened === undefined) {
      const reason =
        kind === gradients
          ? `"${options.require}" is required`
          : `it takes gradients of "${kind}", these are of "${gradients}"`;
      return { ...about, status: 'not tried', reason };
    }
    if (opened instanceof Unusable)
      return { ...about, status: opened.missing ? 'not installed' : 'unusable', reason: opened.message };
    const one = order.find((usable) => usable.candidate === candidate)!;
    const figures =
      one.nanoseconds === undefined ? {} : ({ nanosecondsPerElement: one.nanoseconds, measured } as const);
    const status = order[0]?.candidate === candidate ? 'chosen' : 'usable';
    return { ...about, status, reason: opened.note, device: opened.device, ...figures };
  });
  const runtime = runtimeOf(environment);
  const chosen = order[0]?.candidate.name ?? null;
  return { gradients, runtime, chosen, reason: whyOf(order, times, workload, options), candidates: findings };
}
