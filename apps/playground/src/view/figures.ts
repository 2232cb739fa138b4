import type { RunName } from '../training/messages.ts';
import { el } from './dom.ts';
import { percent, short, whole } from './format.ts';
import type { TrainingHistory, RunHistory } from './history.ts';

/** What of a run is told: a name, and how it is written. */
type Figure = readonly [name: string, (run: RunHistory) => string];

const NOW: readonly Figure[] = [
  ['Loss', ({ loss }) => short(loss.at(-1))],
  ['Test accuracy', ({ tests }) => percent(accuracyOf(tests.at(-1)))],
  ['Learning rate', ({ learningRate }) => short(learningRate.at(-1))],
  ['Update norm', ({ updateNorm }) => (Number.isNaN(updateNorm.at(-1) ?? Number.NaN) ? '–' : short(updateNorm.at(-1)))],
];
const MORE: readonly Figure[] = [
  ['Updates', ({ last }) => whole(last.updates)],
  ['Dropped steps', ({ last }) => whole(last.dropped)],
  ['Loss scale', ({ last }) => short(last.dynamicScale)],
  ['Gradients, ms a step', ({ last }) => short(last.milliseconds.gradients)],
  ['Optimizer, ms a step', ({ last }) => short(last.milliseconds.optimizer)],
  ['Fingerprint of the weights', ({ last }) => last.fingerprint ?? '–'],
];

const accuracyOf = (test: RunHistory['tests'][number] | undefined): number | undefined =>
  test?.averaged ?? test?.accuracy;

/** The numbers of a training in tables. */
export class Figures {
  readonly #now = el('div', { className: 'now' });
  readonly #more = scrolling('More figures');
  readonly #epochs = scrolling('Epochs');

  constructor(holder: HTMLElement) {
    holder.append(
      el('h2', { id: 'figures-title', className: 'hidden' }, 'Figures'),
      this.#now,
      el('details', { className: 'more' }, el('summary', {}, 'Epochs and more figures'), this.#epochs, this.#more),
    );
  }

  /** `labels`: which backend each run is on. */
  show(history: TrainingHistory | null, labels: ReadonlyMap<RunName, string>): void {
    const runs: readonly (readonly [RunName, RunHistory | null])[] = [...labels.keys()].map((name) => [
      name,
      history?.runs.get(name) ?? null,
    ]);
    const heading = (name: RunName): HTMLElement =>
      el(
        'th',
        { scope: 'row', className: name },
        runs.length > 1 ? `${name.toUpperCase()} ` : '',
        el('span', {}, labels.get(name)!),
      );
    this.#now.replaceChildren(
      table(
        'Now',
        ['Run', ...NOW.map(([name]) => name)],
        runs.map(([name, run]) => [heading(name), ...NOW.map(([, write]) => (run ? write(run) : '–'))]),
      ),
    );
    this.#more.replaceChildren(
      table(
        'More figures',
        ['', ...runs.map(([name]) => `${name.toUpperCase()}, ${labels.get(name)!}`)],
        MORE.map(([title, write]) => [title, ...runs.map(([, run]) => (run ? write(run) : '–'))]),
      ),
    );
    this.#epochs.replaceChildren(
      table(
        'Epochs',
        ['Epoch', 'Run', 'Loss', 'Test accuracy', 'Averaged'],
        runs.flatMap(([name, run]) =>
          (run?.tests ?? [])
            .filter(({ epoch }) => epoch !== null)
            .map(({ epoch, loss, accuracy, averaged }) => [
              String(epoch),
              name.toUpperCase(),
              short(loss),
              percent(accuracy),
              percent(averaged),
            ]),
        ),
      ),
    );
  }
}

/** Wide tables scroll on a phone, with the keyboard, too. */
const scrolling = (label: string): HTMLElement =>
  el('div', { className: 'scroll', role: 'region', tabIndex: 0, 'aria-label': label });

/** A table; the first cell of each row names it. */
function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly (string | HTMLElement)[])[],
): HTMLElement {
  const cells = (row: readonly (string | HTMLElement)[]): HTMLElement[] =>
    row.map((cell, i) => {
      if (typeof cell !== 'string') return cell;
      return i === 0 ? el('th', { scope: 'row' }, cell) : el('td', {}, cell);
    });
  return el(
    'table',
    {},
    el('caption', { className: 'hidden' }, caption),
    el('thead', {}, el('tr', {}, ...head.map((name) => (name === '' ? el('td') : el('th', { scope: 'col' }, name))))),
    el('tbody', {}, ...rows.map((row) => el('tr', {}, ...cells(row)))),
  );
}
