import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BACKENDS } from '../src/settings/backends.ts';
import { type Field, fieldsOf, isShown, type Section } from '../src/settings/fields.ts';
import { linkOf, presetState, readLink } from '../src/settings/link.ts';
import type { RunSettings, State, TrainingSettings } from '../src/settings/model.ts';
import { RUN_SECTIONS } from '../src/settings/run-sections.ts';
import { TRAINING_SECTIONS } from '../src/settings/training-sections.ts';

const presets = presetState('cpu', 'wasm');
const read = (link: string) => readLink(link, presets, BACKENDS);

/** Values that a control takes, found by asking it. */
function valuesOf<S>({ kind, preset }: Field<S>): fc.Arbitrary<S[keyof S]> {
  const texts =
    kind.control === 'checkbox'
      ? fc.constantFrom('0', '1')
      : kind.control === 'choice'
        ? fc.constantFrom(...kind.words!)
        : fc.oneof(
            fc.constantFrom('', '0', '1', '0.5', '1e-3', '12', '3, 4, 5'),
            fc.double({ min: 0, max: 1, noNaN: true }).map(String),
            fc.integer({ min: 0, max: 1e4 }).map(String),
          );
  return texts.map((text) => {
    try {
      return kind.read(text);
    } catch {
      return preset;
    }
  });
}
const settingsOf = <S>(sections: readonly Section<S>[]): fc.Arbitrary<S> =>
  fc.record(
    Object.fromEntries(fieldsOf(sections).map((field) => [field.key, valuesOf(field)])),
  ) as unknown as fc.Arbitrary<S>;
const runs = fc
  .tuple(settingsOf(RUN_SECTIONS), fc.constantFrom(...BACKENDS))
  .map(([settings, backend]): RunSettings => ({ ...settings, backend }));
const states: fc.Arbitrary<State> = fc.record({
  training: settingsOf(TRAINING_SECTIONS),
  a: runs,
  b: runs,
  compare: fc.boolean(),
});

/** Only what is seen counts. */
function seen(settings: RunSettings, training: TrainingSettings): object {
  const fields = fieldsOf(RUN_SECTIONS).filter((field) => isShown(field, settings, training));
  return Object.fromEntries([['backend', settings.backend], ...fields.map(({ key }) => [key, settings[key]])]);
}

describe('a link', () => {
  it('brings back all that is seen, and makes the same link again', () => {
    fc.assert(
      fc.property(states, (state) => {
        const link = linkOf(state);
        const again = read(link);
        expect(again.problems).toEqual([]);
        expect(again.state.training).toEqual(state.training);
        expect(seen(again.state.a, state.training)).toEqual(seen(state.a, state.training));
        expect(again.state.compare).toBe(state.compare);
        const b = state.compare ? state.b : presets.b;
        expect(seen(again.state.b, state.training)).toEqual(seen(b, state.training));
        expect(linkOf(again.state)).toBe(link);
      }),
    );
  });

  it('says only what differs', () => {
    expect(linkOf(presets)).toBe('a.backend=cpu');
    const b = { ...presets.b, backend: 'tfjs:wasm', weightDecay: null };
    const training = { ...presets.training, model: 'softmax' } as const;
    const link = linkOf({ ...presets, training, b, compare: true });
    expect(link).toBe('model=softmax&a.backend=cpu&b.backend=tfjs:wasm&b.weightDecay=');
  });

  it.each([
    ['a.momentum=2', 'a.momentum: expected a number from 0 to 1, got “2”'],
    ['epochs=', 'epochs: expected a whole number from 1 to 1000, got nothing'],
    ['epochs=1.5', 'epochs: expected a whole number from 1 to 1000, got “1.5”'],
    ['a.clipLimit=0', 'a.clipLimit: expected a number above 0, got “0”'],
    ['a.clip=all', 'a.clip: expected one of none, clipvalue, clipnorm, globalClipnorm, got “all”'],
    ['a.nesterov=yes', 'a.nesterov: expected 1 or 0, got “yes”'],
    ['a.backend=cuda', `a.backend: expected one of ${BACKENDS.join(', ')}, got “cuda”`],
    ['a.values=0.1,x', 'a.values: expected a number of at least 0, got “x”'],
    ['colour=red', 'colour: there is no such setting'],
  ])('%s is left out, and named', (link, problem) => {
    const { state, problems } = read(link);
    expect(problems).toEqual([problem]);
    expect(state).toEqual(presets);
  });

  it('knows whether it chooses the backend', () => {
    expect([read('a.backend=wasm').choosesBackend, read('epochs=2').choosesBackend]).toEqual([true, false]);
  });
});
