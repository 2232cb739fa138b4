import { ENGINES } from '../settings/backends.ts';
import type { BackendReport } from '../training/backends.ts';
import { el, say } from './dom.ts';

interface Choice {
  readonly control: HTMLInputElement;
  readonly label: HTMLElement;
  readonly reason: HTMLElement;
  runs: boolean | null;
}

/** The choice of a backend, with what is known of each in this browser. */
export class BackendPicker {
  readonly element: HTMLDetailsElement;
  readonly #chosen = el('span', { className: 'chosen' });
  readonly #advice = el('p', { className: 'help' });
  readonly #choices = new Map<string, Choice>();

  /** `id`: what the ids of the controls start with. */
  constructor(id: string, changed: (backend: string) => void, check: () => void) {
    const button = el('button', { type: 'button', className: 'small' }, 'Try all of them');
    button.addEventListener('click', check);
    const take = (backend: string): void => {
      this.#mark(backend);
      changed(backend);
    };
    this.element = el(
      'details',
      { open: true },
      el('summary', {}, el('h3', {}, 'Backend'), this.#chosen),
      el(
        'fieldset',
        { className: 'backends' },
        el('legend', { className: 'hidden' }, 'Backend'),
        this.#advice,
        ...ENGINES.map(({ title, backends }) => this.#engine(id, title, backends, take)),
        el('div', { className: 'row' }, button, el('span', { className: 'help' }, 'Loads every engine, some 12 MB')),
      ),
    );
  }

  show(backend: string): void {
    const choice = this.#choices.get(backend);
    if (choice) choice.control.checked = true;
    this.#mark(backend);
  }

  /** Marks one of which something is known. */
  report({ name, runs, reason }: BackendReport): void {
    const choice = this.#choices.get(name);
    if (!choice) return;
    choice.label.classList.toggle('runs', runs);
    choice.label.classList.toggle('fails', !runs);
    choice.reason.replaceChildren(el('b', {}, name), runs ? ` runs here: ${reason}` : ` does not run here: ${reason}`);
    choice.runs = runs;
    choice.reason.hidden = runs && !choice.control.checked;
  }

  /** Says what is best here. */
  advise(text: string): void {
    say(this.#advice, text);
  }

  /** Of those that run only the chosen one says what it is; the others would be too much to read. */
  #mark(backend: string): void {
    say(this.#chosen, backend);
    for (const { control, reason, runs } of this.#choices.values()) {
      reason.hidden = runs === null || (runs && !control.checked);
    }
  }

  #engine(id: string, title: string, backends: readonly string[], take: (backend: string) => void): HTMLElement {
    const choices = backends.map((name) => {
      const key = `${id}-backend-${name.replace(':', '-')}`;
      const control = el('input', { type: 'radio', name: `${id}-backend`, value: name, id: key, className: 'hidden' });
      const reason = el('p', { className: 'reason', id: `${key}-reason`, hidden: true });
      control.setAttribute('aria-describedby', reason.id);
      control.setAttribute('aria-label', name);
      control.addEventListener('change', () => take(name));
      const label = el('label', { for: key }, name.replace(/.*:/, ''));
      this.#choices.set(name, { control, label, reason, runs: null });
      return { control, label, reason };
    });
    return el(
      'div',
      { className: 'engine' },
      el('span', { className: 'help' }, title),
      el('div', { className: 'pills' }, ...choices.flatMap(({ control, label }) => [control, label])),
      ...choices.map(({ reason }) => reason),
    );
  }
}
