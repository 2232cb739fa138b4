import { compareWeights, epochs, sameWeights, splitDigits } from '@sgd/digits';
import { stepCount } from '../settings/model.ts';
import type { SparseDigits } from './images.ts';
import type { Job, Message, Progress } from './messages.ts';
import { type AnyBackend, reasonOf } from './optimizer.ts';
import { Recorder } from './recorder.ts';
import { Run } from './run.ts';

/** What a training needs of the world around it. */
export interface Surroundings {
  readonly digits: () => Promise<SparseDigits>;
  /** Starts a backend, or gives the one that was started before. */
  readonly start: (backend: string) => Promise<AnyBackend>;
  /** The backend failed while it worked: start another the next time. */
  readonly forget: (backend: string) => void;
  readonly post: (message: Message) => void;
  /** Lets messages and timers have their turn. */
  readonly breathe: () => Promise<void>;
}

/** Milliseconds between two messages about how it goes, and between two pictures of the weights. */
const TELL = 80;
const SHOW = 200;

/** One training, from its start to its end. Between two steps it listens: it can be paused, resumed and stopped. */
export class Training {
  readonly #world: Surroundings;
  readonly #job: Job;
  /** Runs that go on. */
  #alive: Recorder[] = [];
  /** All that were started, also those that failed. */
  readonly #all: Recorder[] = [];
  #stopped = false;
  #resume: (() => void) | null = null;
  #paused: Promise<void> | null = null;
  #step = 0;
  #epoch = 1;
  #seconds = 0;
  #firstDifferentStep: number | null = null;
  #told = 0;
  #shown = 0;
  readonly #show: (recorders: readonly Recorder[]) => void;

  /** `show` is called when there are weights to be seen: now and then, and in the end. */
  constructor(job: Job, world: Surroundings, show: (recorders: readonly Recorder[]) => void) {
    this.#job = job;
    this.#world = world;
    this.#show = show;
  }

  pause(): void {
    if (this.#paused || this.#stopped) return;
    this.#paused = new Promise((resolve) => (this.#resume = resolve));
  }

  resume(): void {
    this.#resume?.();
    this.#paused = null;
    this.#resume = null;
  }

  /** The training ends after this step. */
  stop(): void {
    this.#stopped = true;
    this.resume();
  }

  /** Never rejects: what fails is told. */
  async go(): Promise<void> {
    const { post } = this.#world;
    post({ type: 'phase', phase: 'starting', stopped: false });
    try {
      const [digits, started] = await Promise.all([this.#world.digits(), this.#start()]);
      if (started) await this.#train(digits);
    } catch (error) {
      post({ type: 'failed', name: null, reason: reasonOf(error), step: this.#step || null });
    }
    for (const { run } of this.#all) await run.dispose().catch(() => {}); // its device may be gone
    post({ type: 'phase', phase: 'ended', stopped: this.#stopped });
  }

  /** Whether all runs have started. */
  async #start(): Promise<boolean> {
    const { post, start } = this.#world;
    let failed = false;
    for (const { name, backend, plan } of this.#job.runs) {
      const warn = (text: string): void => post({ type: 'warning', name, text });
      try {
        const run = await Run.create(plan, this.#job.training, await start(backend), warn);
        this.#all.push(new Recorder(name, backend, run));
      } catch (error) {
        failed = true;
        post({ type: 'failed', name, reason: reasonOf(error), step: null });
      }
    }
    this.#alive = [...this.#all];
    return !failed;
  }

  async #train(digits: SparseDigits): Promise<void> {
    const { training } = this.#job;
    const { training: indices, test } = splitDigits(training.seed, training.limit);
    this.#world.post({ type: 'phase', phase: 'training', stopped: false });
    for (const order of epochs(indices, training.seed, training.epochs)) {
      for (let from = 0; from < order.length; from += training.batch) {
        await this.#world.breathe();
        await this.#wait();
        if (this.#stopped) break;
        const last = from + training.batch >= order.length;
        await this.#take(digits, order.subarray(from, from + training.batch), test, last);
        this.#tell();
      }
      if (this.#stopped) break;
      this.#epoch = Math.min(this.#epoch + 1, training.epochs);
    }
    await this.#end(digits, test);
  }

  /** One step of every run, and what there is to see after it. */
  async #take(digits: SparseDigits, batch: Int32Array, test: Int32Array, last: boolean): Promise<void> {
    const started = performance.now();
    const { testEvery, epochs: count } = this.#job.training;
    this.#step++;
    await this.#each(async (recorder) => recorder.step(await recorder.run.step(digits, batch)));
    if (this.#alive.length === 2 && this.#firstDifferentStep === null) {
      const [a, b] = this.#alive as [Recorder, Recorder];
      if (!sameWeights(a.run.weights, b.run.weights)) this.#firstDifferentStep = this.#step;
    }
    const final = last && this.#epoch === count; // the end looks for itself
    if (!final && (last || this.#step % testEvery === 0)) {
      await this.#each((recorder) => look(recorder, digits, test, last ? this.#epoch : null));
    }
    this.#seconds += (performance.now() - started) / 1000;
  }

  async #wait(): Promise<void> {
    if (!this.#paused) return;
    this.#tell(true);
    this.#world.post({ type: 'phase', phase: 'paused', stopped: false });
    await this.#paused;
    if (!this.#stopped) this.#world.post({ type: 'phase', phase: 'training', stopped: false });
  }

  /** Averages become weights; a last look at the test digits. */
  async #end(digits: SparseDigits, test: Int32Array): Promise<void> {
    await this.#each(async (recorder) => {
      if (recorder.steps === 0) return;
      const { run } = recorder;
      const before = run.accuracy(digits, test);
      const averaged = await run.finalize();
      recorder.test(before, averaged ? run.accuracy(digits, test) : null, this.#stopped ? null : this.#epoch);
    });
    this.#tell(true, true);
  }

  /** Does it for every run that goes on; one that fails is told, and goes on no more. */
  async #each(job: (recorder: Recorder) => Promise<void>): Promise<void> {
    for (const recorder of this.#alive) {
      try {
        await job(recorder);
      } catch (error) {
        this.#alive = this.#alive.filter((other) => other !== recorder);
        this.#world.forget(recorder.backend);
        this.#world.post({ type: 'failed', name: recorder.name, reason: reasonOf(error), step: this.#step });
      }
    }
    if (this.#alive.length === 0) this.#stopped = true;
  }

  #tell(now = false, ended = false): void {
    const time = performance.now();
    if (now || time - this.#told >= TELL) {
      this.#told = time;
      this.#world.post({ type: 'progress', progress: this.#progress(ended) });
    }
    if (now || time - this.#shown >= SHOW) {
      this.#shown = time;
      this.#show(this.#all);
    }
  }

  #progress(ended: boolean): Progress {
    const steps = stepCount(this.#job.training);
    const [a, b] = this.#alive;
    return {
      step: this.#step,
      steps,
      epoch: this.#epoch,
      secondsLeft: this.#step === 0 ? Number.NaN : (this.#seconds / this.#step) * (steps - this.#step),
      runs: this.#all.filter(({ steps: taken }) => taken > 0).map((recorder) => recorder.take(ended)),
      difference:
        a && b ? { ...compareWeights(a.run.weights, b.run.weights), firstStep: this.#firstDifferentStep } : null,
    };
  }
}

async function look(recorder: Recorder, digits: SparseDigits, test: Int32Array, epoch: number | null): Promise<void> {
  const { run } = recorder;
  const averaged = await run.averagedAccuracy(digits, test);
  recorder.test(run.accuracy(digits, test), averaged, epoch);
}
