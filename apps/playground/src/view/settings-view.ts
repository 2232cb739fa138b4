import { presetsOf } from '../settings/fields.ts';
import type { RunSettings, State, TrainingSettings } from '../settings/model.ts';
import { RUN_SECTIONS } from '../settings/run-sections.ts';
import { TRAINING_SECTIONS } from '../settings/training-sections.ts';
import type { BackendReport } from '../training/backends.ts';
import type { RunName } from '../training/messages.ts';
import { BackendPicker } from './backend-picker.ts';
import { el } from './dom.ts';
import { Form } from './form.ts';
import { SchedulePreview } from './schedule-preview.ts';
import { Tabs } from './tabs.ts';

/** The controls of one run. */
interface RunView {
  readonly form: Form<RunSettings>;
  readonly picker: BackendPicker;
  readonly preview: SchedulePreview;
  readonly panel: HTMLElement;
}

/** All controls. */
export class SettingsView {
  /** The run whose controls are shown. */
  chosen: RunName = 'a';
  #state: State;
  readonly #changed: (state: State) => void;
  readonly #training: Form<TrainingSettings>;
  readonly #runs: Readonly<Record<RunName, RunView>>;
  readonly #compare = el('input', { type: 'checkbox', id: 'compare' });
  readonly #tabs: Tabs;

  /** `changed` is called with the new state, also when another run is looked at; `check`: try all backends. */
  constructor(holder: HTMLElement, state: State, changed: (state: State) => void, check: () => void) {
    this.#state = state;
    this.#changed = changed;
    this.#training = new Form('training', TRAINING_SECTIONS, state.training, state.training, [], (training) =>
      this.#set({ ...this.#state, training }),
    );
    this.#runs = { a: this.#run('a', check), b: this.#run('b', check) };
    const tab = (name: RunName) => ({ id: name, title: `Run ${name.toUpperCase()}`, panel: this.#runs[name].panel });
    this.#tabs = new Tabs('Runs', [tab('a'), tab('b')], (id) => {
      this.chosen = id as RunName;
      this.#changed(this.#state);
    });
    this.#compare.addEventListener('change', () => this.#setCompare(this.#compare.checked));
    holder.append(
      this.#training.element,
      el(
        'div',
        { className: 'compare' },
        this.#compare,
        el('label', { for: 'compare' }, 'A second run on the same batches'),
      ),
      this.#tabs.element,
      this.#runs.a.panel,
      this.#runs.b.panel,
    );
    this.show(state);
  }

  /** Shows this state. */
  show(state: State): void {
    this.#state = state;
    this.#training.show(state.training, state.training);
    for (const name of ['a', 'b'] as const) {
      const { form, picker } = this.#runs[name];
      form.show(state[name], state.training);
      picker.show(state[name].backend);
    }
    this.#compare.checked = state.compare;
    this.#adapt();
  }

  report(report: BackendReport): void {
    for (const { picker } of Object.values(this.#runs)) picker.report(report);
  }

  advise(text: string): void {
    for (const { picker } of Object.values(this.#runs)) picker.advise(text);
  }

  /** The first control whose value does not fit, made visible; `null`: all fit. */
  firstWrong(): HTMLElement | null {
    const shared = this.#training.firstWrong();
    if (shared) return shared;
    for (const name of this.#state.compare ? (['a', 'b'] as const) : (['a'] as const)) {
      const control = this.#runs[name].form.firstWrong();
      if (!control) continue;
      this.#tabs.choose(name);
      return control;
    }
    return null;
  }

  #run(name: RunName, check: () => void): RunView {
    const settings = this.#state[name];
    const change = (next: Partial<RunSettings>): void =>
      this.#set({ ...this.#state, [name]: { ...this.#state[name], ...next } });
    const picker = new BackendPicker(name, (backend) => change({ backend }), check);
    const form = new Form(
      name,
      RUN_SECTIONS,
      settings,
      this.#state.training,
      ['Learning rate'],
      (own) => change({ ...own, backend: this.#state[name].backend }), // the form knows nothing of the backend
    );
    const preview = new SchedulePreview();
    form.append('Learning rate', preview.element);
    return { form, picker, preview, panel: el('div', { className: 'panel' }, picker.element, form.element) };
  }

  /** Run B starts as run A is, if it was never touched. */
  #setCompare(compare: boolean): void {
    const { a, b } = this.#state;
    const { backend } = b;
    const untouched = JSON.stringify(b) === JSON.stringify({ ...presetsOf(RUN_SECTIONS), backend });
    this.show({ ...this.#state, compare, ...(compare && untouched && { b: { ...a, backend } }) });
    this.#tabs.choose(compare ? 'b' : 'a');
  }

  #set(state: State): void {
    this.#state = state;
    this.#adapt();
    this.#changed(state);
  }

  #adapt(): void {
    const { training, compare } = this.#state;
    this.#training.adapt(training);
    for (const name of ['a', 'b'] as const) {
      const { form, preview } = this.#runs[name];
      form.adapt(training);
      preview.show(this.#state[name], training);
    }
    this.#tabs.element.hidden = !compare;
    if (!compare && this.chosen === 'b') this.#tabs.choose('a');
  }
}
