import { type AnyBackend as AutoBackend, type SelectionReport, SelectionError, selectFrom } from '@sgd/auto';
import { weightShapes } from '@sgd/digits';
import { BACKENDS } from '../settings/backends.ts';
import type { TrainingSettings } from '../settings/model.ts';
import { CANDIDATES } from './candidates.ts';
import { type AnyBackend, reasonOf } from './optimizer.ts';

/** What is known of a backend in this browser. */
export interface BackendReport {
  readonly name: string;
  readonly runs: boolean;
  /** Why not, in words; what it is, where it runs. */
  readonly reason: string;
}

/** A backend that started. */
interface Started {
  readonly backend: AnyBackend;
  readonly reason: string;
}

const started = new Map<string, Promise<Started>>();

/**
 * Starts a backend, or gives the one that was started before. It has taken a step whose result is known.
 *
 * @throws Error with the reason that `@sgd/auto` gives when it does not run here
 */
export async function startBackend(name: string): Promise<AnyBackend> {
  return (await startOnce(name)).backend;
}

/** The next start is a new one. */
export function forgetBackend(name: string): void {
  started.delete(name);
}

/** What `@sgd/auto` chooses for gradients that are typed arrays, as those here are, and why. */
export async function chooseBackend({ model }: TrainingSettings): Promise<SelectionReport> {
  const shapes = Object.values(weightShapes(model));
  const { report } = await selectFrom(CANDIDATES, { gradients: 'host', workload: { shapes } });
  return report;
}

/** Tries every backend, one after the other; tells after each. */
export async function checkBackends(tell: (report: BackendReport) => void): Promise<void> {
  for (const name of BACKENDS) {
    try {
      tell({ name, runs: true, reason: (await startOnce(name)).reason });
    } catch (error) {
      tell({ name, runs: false, reason: reasonOf(error) });
    }
  }
}

function startOnce(name: string): Promise<Started> {
  const known = started.get(name);
  if (known) return known;
  const starting = start(name);
  started.set(name, starting);
  starting.catch(() => started.delete(name)); // another try may have more luck
  return starting;
}

async function start(name: string): Promise<Started> {
  const candidate = CANDIDATES.find((each) => each.name === name);
  if (!candidate) throw new Error(`there is no backend ${name}`);
  try {
    const { backend, report } = await selectFrom([candidate], { gradients: candidate.gradients });
    return { backend: backend as AutoBackend, reason: report.candidates[0]!.reason };
  } catch (error) {
    // the report has one line for each candidate: of one candidate the reason says it all
    if (error instanceof SelectionError) throw new Error(error.report.candidates[0]!.reason, { cause: error.cause });
    throw error;
  }
}
