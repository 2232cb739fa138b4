import { type Field, isShown, type Section } from '../settings/fields.ts';
import type { TrainingSettings } from '../settings/model.ts';
import { el, say } from './dom.ts';

type Control = HTMLInputElement | HTMLSelectElement;

/** A field on the page. */
interface Row<S> {
  readonly field: Field<S>;
  readonly element: HTMLElement;
  readonly control: Control;
  readonly error: HTMLElement;
}

/** A section on the page. */
interface Part<S> {
  readonly section: Section<S>;
  readonly element: HTMLDetailsElement;
  readonly summary: HTMLElement;
  readonly formula: HTMLElement | null;
  readonly rows: readonly Row<S>[];
}

/** The controls of a record of settings. What does not fit is said at the control, and the settings stay as they were. */
export class Form<S extends object> {
  readonly element: HTMLElement;
  readonly #parts: readonly Part<S>[];
  #settings: S;
  #training: TrainingSettings;

  /**
   * @param id - what the ids of the controls start with
   * @param open - titles of sections that are open at first
   * @param changed - called with the new settings
   */
  constructor(
    id: string,
    sections: readonly Section<S>[],
    settings: S,
    training: TrainingSettings,
    open: readonly string[],
    changed: (settings: S) => void,
  ) {
    this.#settings = settings;
    this.#training = training;
    const edited = (row: Row<S>): void => {
      if (this.#take(row)) changed(this.#settings);
    };
    this.#parts = sections.map((section) => makePart(id, section, open.includes(section.title), edited));
    this.element = el('div', { className: 'form' }, ...this.#parts.map(({ element }) => element));
    this.show(settings, training);
  }

  /** Shows these settings; what was written and did not fit is gone. */
  show(settings: S, training: TrainingSettings): void {
    this.#settings = settings;
    for (const row of this.#rows()) {
      write(row, settings);
      complain(row, '');
    }
    this.adapt(training);
  }

  /** Hides what does not matter, and says what is chosen. */
  adapt(training: TrainingSettings): void {
    this.#training = training;
    for (const { section, summary, formula, rows } of this.#parts) {
      say(summary, section.summary(this.#settings));
      if (formula) say(formula, section.formula!(this.#settings));
      for (const { field, element } of rows) element.hidden = !isShown(field, this.#settings, training);
    }
  }

  /** The first control whose value does not fit, its section opened; `null`: all fit. */
  firstWrong(): HTMLElement | null {
    for (const { element, rows } of this.#parts) {
      const wrong = rows.find((row) => !row.element.hidden && row.error.textContent !== '');
      if (!wrong) continue;
      element.open = true;
      return wrong.control;
    }
    return null;
  }

  /** Puts an element at the end of a section. */
  append(title: string, element: HTMLElement): void {
    this.#parts.find(({ section }) => section.title === title)?.element.lastElementChild!.append(element);
  }

  #rows(): readonly Row<S>[] {
    return this.#parts.flatMap(({ rows }) => rows);
  }

  /** Whether the settings changed. */
  #take(row: Row<S>): boolean {
    const { field, control } = row;
    const text = control instanceof HTMLInputElement && control.type === 'checkbox' ? checked(control) : control.value;
    try {
      this.#settings = { ...this.#settings, [field.key]: field.kind.read(text) };
      complain(row, '');
    } catch (error) {
      complain(row, (error as Error).message);
      return false;
    }
    this.adapt(this.#training);
    return true;
  }
}

const checked = (control: HTMLInputElement): string => (control.checked ? '1' : '0');

function makePart<S>(id: string, section: Section<S>, open: boolean, edited: (row: Row<S>) => void): Part<S> {
  const summary = el('span', { className: 'chosen' });
  const formula = section.formula ? el('p', { className: 'formula' }) : null;
  const rows = section.fields.map((field) => makeRow(id, field, edited));
  const element = el(
    'details',
    { open },
    el('summary', {}, el('h3', {}, section.title), summary),
    el('div', { className: 'fields' }, ...(formula ? [formula] : []), ...rows.map((row) => row.element)),
  );
  return { section, element, summary, formula, rows };
}

function makeRow<S>(id: string, field: Field<S>, edited: (row: Row<S>) => void): Row<S> {
  const key = `${id}-${String(field.key)}`;
  const help = el('p', { className: 'help', id: `${key}-help` }, field.help);
  const error = el('p', { className: 'error', id: `${key}-error` });
  const control = makeControl(field, key);
  control.setAttribute('aria-describedby', `${key}-help ${key}-error`);
  const label = el('label', { for: key }, field.label);
  const element = el('div', { className: `field ${field.kind.control}` }, label, control, help, error);
  const row = { field, element, control, error };
  control.addEventListener(field.kind.control === 'text' ? 'input' : 'change', () => edited(row));
  return row;
}

function makeControl<S>({ kind, names, empty }: Field<S>, id: string): Control {
  if (kind.control === 'checkbox') return el('input', { type: 'checkbox', id });
  if (kind.control === 'choice') {
    const options = kind.words!.map((word) => el('option', { value: word }, names?.[word] ?? word));
    return el('select', { id }, ...options);
  }
  return el('input', {
    type: 'text',
    id,
    autocomplete: 'off',
    spellcheck: false,
    placeholder: empty ?? '',
    inputMode: kind.numeric ? 'decimal' : 'text',
  });
}

function write<S>({ field, control }: Row<S>, settings: S): void {
  const text = field.kind.write(settings[field.key]);
  if (control instanceof HTMLInputElement && control.type === 'checkbox') control.checked = text === '1';
  else control.value = text;
}

function complain<S>({ control, error }: Row<S>, text: string): void {
  say(error, text === '' ? '' : `${text[0]!.toUpperCase()}${text.slice(1)}`);
  control.setAttribute('aria-invalid', String(text !== ''));
}
