import type { SelectionReport } from '@sgd/auto';
import { BACKENDS } from './settings/backends.ts';
import { linkOf, presetState, readLink } from './settings/link.ts';
import { type State, stepCount } from './settings/model.ts';
import { planOf } from './settings/plan.ts';
import { snippetOf } from './settings/snippet.ts';
import type { Job, Message, Phase, Request, RunName } from './training/messages.ts';
import { Announcer } from './view/announcer.ts';
import { CodeView } from './view/code-view.ts';
import { ControlBar } from './view/control-bar.ts';
import { byId } from './view/dom.ts';
import { TrainingHistory } from './view/history.ts';
import { Notices } from './view/notices.ts';
import { Pad } from './view/pad.ts';
import { Results } from './view/results.ts';
import { SettingsView } from './view/settings-view.ts';
import { statusOf, summaryOf } from './view/status.ts';
import { atMostEvery } from './view/throttle.ts';

/** Milliseconds between two drawings of the curves. */
const DRAW = 120;

/** The page: settings and buttons on one side, the worker that trains on the other. */
export class App {
  readonly #worker: Worker;
  #state: State;
  #phase: Phase = 'idle';
  #history: TrainingHistory | null = null;
  /** The state that is being trained, or was. */
  #trained: State;
  #resetting = false;
  /** Whether the link or a person chose. */
  #touched = false;
  #digit = -1;
  readonly #notices = new Notices(byId('messages'));
  readonly #announcer = new Announcer(byId('announcer'));
  readonly #results = new Results();
  readonly #code = new CodeView(byId('code'));
  readonly #drawSoon = atMostEvery(DRAW, () => this.#showTraining());
  readonly #bar: ControlBar;
  readonly #settings: SettingsView;
  readonly #pad: Pad;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#state = this.#readLink();
    this.#trained = this.#state;
    this.#bar = new ControlBar(byId('buttons'), byId('progress'), {
      train: () => this.#train(),
      pause: () => this.#ask({ type: 'pause' }),
      resume: () => this.#ask({ type: 'resume' }),
      stop: () => this.#ask({ type: 'stop' }),
      reset: () => this.#reset(),
    });
    this.#settings = new SettingsView(
      byId('controls'),
      this.#state,
      (state) => this.#change(state),
      () => this.#ask({ type: 'check' }),
    );
    this.#pad = new Pad(byId('pad'), {
      drawn: (pixels) => this.#ask({ type: 'look', pixels }),
      wanted: () => this.#ask({ type: 'digit', seed: this.#state.training.seed, number: ++this.#digit }),
    });
    worker.addEventListener('message', ({ data }: MessageEvent<Message>) => this.#hear(data));
    worker.addEventListener('error', ({ message }) =>
      this.#notices.add('error', 'The worker failed.', message || 'It could not be loaded.'),
    );
    addEventListener('hashchange', () => this.#follow());
    if (matchMedia('(min-width: 64rem)').matches) (byId('settings') as HTMLDetailsElement).open = true;
    this.#ask({ type: 'reset', training: this.#state.training });
    this.#ask({ type: 'choose', training: this.#state.training });
    this.#showAll();
  }

  #ask(request: Request): void {
    this.#worker.postMessage(request);
  }

  #readLink(): State {
    const { state, problems, choosesBackend } = readLink(location.hash.slice(1), presetState('cpu', 'wasm'), BACKENDS);
    this.#touched = choosesBackend;
    for (const problem of problems) this.#notices.add('warning', 'Left out of the link:', problem);
    return state;
  }

  /** What is best here: it is taken, unless the link or a person chose by then. */
  #advised({ chosen, reason, candidates }: SelectionReport): void {
    this.#settings.advise(`@sgd/auto takes ${chosen}: ${reason}`);
    for (const { name, status, reason: why } of candidates) {
      if (status !== 'not tried') this.#settings.report({ name, runs: status !== 'unusable', reason: why });
    }
    if (this.#touched || this.#phase !== 'idle' || chosen === null) return;
    const { a, b } = this.#state;
    this.#state = {
      ...this.#state,
      a: { ...a, backend: chosen },
      b: { ...b, backend: chosen === b.backend ? a.backend : b.backend },
    };
    this.#settings.show(this.#state);
    this.#showAll();
  }

  /** The address was changed by hand, or by going back. */
  #follow(): void {
    if (location.hash.slice(1) === linkOf(this.#state)) return;
    this.#notices.clear();
    this.#state = this.#readLink();
    this.#settings.show(this.#state);
    this.#change(this.#state);
  }

  #change(state: State): void {
    const { model, seed } = this.#state.training;
    this.#touched = true;
    this.#state = state;
    history.replaceState(null, '', `#${linkOf(state)}`);
    const first = this.#phase === 'idle' && (model !== state.training.model || seed !== state.training.seed);
    if (first) this.#ask({ type: 'reset', training: state.training });
    this.#showAll();
  }

  #train(): void {
    this.#notices.clear();
    const wrong = this.#settings.firstWrong();
    if (wrong) {
      (byId('settings') as HTMLDetailsElement).open = true;
      wrong.focus();
      this.#notices.add('error', 'A setting does not fit.', 'It is marked.');
      return;
    }
    const { training } = this.#state;
    const names: readonly RunName[] = this.#state.compare ? ['a', 'b'] : ['a'];
    const runs: Job['runs'] = names.map((name) => ({
      name,
      backend: this.#state[name].backend,
      plan: planOf(this.#state[name], training),
    }));
    this.#trained = this.#state;
    this.#history = new TrainingHistory(stepCount(training));
    this.#ask({ type: 'train', job: { training, runs } });
    this.#enter('starting', false); // without waiting for the worker to say so
  }

  /** A training that goes on is stopped first. */
  #reset(): void {
    if (this.#phase !== 'ended') {
      this.#resetting = true;
      this.#ask({ type: 'stop' });
      return;
    }
    this.#resetting = false;
    this.#notices.clear();
    this.#history = null;
    this.#phase = 'idle';
    this.#trained = this.#state;
    this.#ask({ type: 'reset', training: this.#state.training });
    this.#announcer.tell('Reset.');
    this.#showAll();
  }

  #hear(message: Message): void {
    switch (message.type) {
      case 'phase':
        return this.#enter(message.phase, message.stopped);
      case 'failed': {
        const { name, step, reason } = message;
        const who = name === null ? 'The training' : `Run ${name.toUpperCase()}, ${this.#trained[name].backend},`;
        this.#notices.add('error', `${who} ${step === null ? 'did not start:' : `ended at step ${step}:`}`, reason);
        if (name !== null && step === null) {
          this.#settings.report({ name: this.#trained[name].backend, runs: false, reason });
        }
        return;
      }
      case 'warning':
        return this.#notices.add('warning', `Run ${message.name.toUpperCase()}:`, message.text);
      case 'progress':
        this.#history?.add(message.progress);
        this.#announcer.mention(() => summaryOf(this.#history));
        return this.#drawSoon();
      case 'weights':
        return this.#results.showWeights(message.layers);
      case 'seen':
        return this.#pad.seen(message.runs);
      case 'digit':
        this.#digit = message.number;
        return this.#pad.show(message.pixels, message.label, message.number);
      case 'backend':
        return this.#settings.report(message.report);
      case 'chosen':
        return this.#advised(message.report);
    }
  }

  #enter(phase: Phase, stopped: boolean): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    const told = {
      idle: '',
      starting: 'Starting.',
      training: 'Training.',
      paused: 'Paused.',
      ended: stopped ? 'Stopped.' : 'Done.',
    } as const;
    this.#announcer.tell(phase === 'ended' ? `${told.ended} ${summaryOf(this.#history)}` : told[phase]);
    if (phase === 'ended' && this.#resetting) this.#reset();
    this.#showAll();
  }

  #showAll(): void {
    this.#showTraining();
    const name = this.#state.compare ? this.#settings.chosen : 'a';
    const settings = this.#state[name];
    const title = this.#state.compare ? `The code of run ${name.toUpperCase()}` : 'The code';
    this.#code.show(title, snippetOf(settings, this.#state.training));
  }

  #showTraining(): void {
    document.documentElement.dataset.phase = this.#phase;
    const state = this.#phase === 'idle' ? this.#state : this.#trained;
    const progress = this.#history?.progress;
    const changed = this.#phase !== 'idle' && linkOf(this.#state) !== linkOf(this.#trained);
    const { training } = progress ? this.#trained : this.#state;
    const status = statusOf(this.#phase, training, progress, changed);
    this.#bar.show(this.#phase, status, progress ? progress.step / progress.steps : 0);
    this.#results.show(this.#history, state);
  }
}
