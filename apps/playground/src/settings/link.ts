import { type Field, fieldsOf, isShown, presetsOf, type Section } from './fields.ts';
import type { RunSettings, State, TrainingSettings } from './model.ts';
import { RUN_SECTIONS } from './run-sections.ts';
import { TRAINING_SECTIONS } from './training-sections.ts';

/** What was read from a link, and in words what was left out of it. */
export interface Linked {
  readonly state: State;
  /** Whether the link names the backend of run A. */
  readonly choosesBackend: boolean;
  readonly problems: readonly string[];
}

const RUNS = ['a', 'b'] as const;

/** The state without any link. */
export function presetState(backend: string, other: string): State {
  const run = presetsOf(RUN_SECTIONS);
  return {
    training: presetsOf(TRAINING_SECTIONS),
    a: { ...run, backend },
    b: { ...run, backend: other },
    compare: false,
  };
}

/** What follows `#` in the address: all that differs from the presets and matters. The backend is always said. */
export function linkOf({ training, a, b, compare }: State): string {
  const parameters = new URLSearchParams();
  write(parameters, '', TRAINING_SECTIONS, training, training);
  const runs = compare ? { a, b } : { a };
  for (const [name, settings] of Object.entries(runs)) {
    parameters.set(`${name}.backend`, settings.backend);
    write(parameters, `${name}.`, RUN_SECTIONS, settings, training);
  }
  return parameters.toString().replaceAll('%3A', ':').replaceAll('%2C', ',');
}

/** Reads what {@link linkOf} wrote, or a person did: what does not fit is left out and named. */
export function readLink(link: string, presets: State, backends: readonly string[]): Linked {
  const parameters = new URLSearchParams(link);
  const problems: string[] = [];
  const known = new Set<string>();
  const training = read(parameters, '', TRAINING_SECTIONS, presets.training, known, problems);
  const [a, b] = RUNS.map((name) => {
    const settings = read<RunSettings>(parameters, `${name}.`, RUN_SECTIONS, presets[name], known, problems);
    const key = `${name}.backend`;
    known.add(key);
    const backend = parameters.get(key);
    if (backend === null) return settings;
    if (backends.includes(backend)) return { ...settings, backend };
    problems.push(`${key}: expected one of ${backends.join(', ')}, got “${backend}”`);
    return settings;
  }) as [RunSettings, RunSettings];
  for (const key of parameters.keys()) if (!known.has(key)) problems.push(`${key}: there is no such setting`);
  const compare = [...parameters.keys()].some((key) => key.startsWith('b.') && known.has(key));
  return { state: { training, a, b, compare }, choosesBackend: parameters.has('a.backend'), problems };
}

function write<S>(
  parameters: URLSearchParams,
  prefix: string,
  sections: readonly Section<S>[],
  settings: S,
  training: TrainingSettings,
): void {
  for (const field of fieldsOf(sections)) {
    const text = field.kind.write(settings[field.key]);
    const same = text === field.kind.write(field.preset);
    if (!same && isShown(field, settings, training)) parameters.set(prefix + String(field.key), text);
  }
}

function read<S>(
  parameters: URLSearchParams,
  prefix: string,
  sections: readonly Section<S>[],
  presets: S,
  known: Set<string>,
  problems: string[],
): S {
  const settings = { ...presets };
  for (const field of fieldsOf(sections) as readonly Field<S>[]) {
    const key = prefix + String(field.key);
    known.add(key);
    const text = parameters.get(key);
    if (text === null) continue;
    try {
      settings[field.key] = field.kind.read(text);
    } catch (error) {
      problems.push(`${key}: ${(error as Error).message}`);
    }
  }
  return settings;
}
