import type { Kind } from './kinds.ts';
import type { TrainingSettings } from './model.ts';

/** One control. `S` is the record that it belongs to. */
export interface Field<S, K extends keyof S = keyof S> {
  readonly key: K;
  readonly label: string;
  /** What it does, in one line. */
  readonly help: string;
  readonly kind: Kind<S[K]>;
  readonly preset: S[K];
  /** What an empty control means. */
  readonly empty?: string;
  /** The words of a choice as people read them. */
  readonly names?: Readonly<Record<string, string>>;
  /** Whether it matters, given the others; if not it is hidden, and left out of links and code. */
  readonly when?: (settings: S, training: TrainingSettings) => boolean;
}

/** Controls that belong together. */
export interface Section<S> {
  readonly title: string;
  /** The rule, as a formula. */
  readonly formula?: (settings: S) => string;
  readonly fields: readonly Field<S>[];
  /** In a few words, what is chosen: shown while the section is closed. */
  readonly summary: (settings: S) => string;
}

/** Makes fields of one record, each checked against its own key. */
export const fieldOf =
  <S>() =>
  <K extends keyof S>(
    key: K,
    label: string,
    kind: Kind<S[K]>,
    preset: S[K],
    help: string,
    more: Pick<Field<S>, 'empty' | 'names' | 'when'> = {},
  ): Field<S> =>
    ({ key, label, help, kind, preset, ...more }) as unknown as Field<S>;

/** The record with every preset. */
export function presetsOf<S>(sections: readonly Section<S>[]): S {
  return Object.fromEntries(fieldsOf(sections).map(({ key, preset }) => [key, preset])) as S;
}

export function fieldsOf<S>(sections: readonly Section<S>[]): readonly Field<S>[] {
  return sections.flatMap(({ fields }) => fields);
}

export function isShown<S>(field: Field<S>, settings: S, training: TrainingSettings): boolean {
  return field.when?.(settings, training) ?? true;
}
