import { cpu } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import type { RunSettings, TrainingSettings } from '../src/settings/model.ts';
import { planOf } from '../src/settings/plan.ts';
import type { Job, Message, Phase, RunName, RunProgress, TestPoint } from '../src/training/messages.ts';
import type { AnyBackend } from '../src/training/optimizer.ts';
import { Training } from '../src/training/training.ts';
import { packedDigits } from './digits.ts';
import { run, training } from './settings.ts';

const STEPS = 30;
const short: Partial<TrainingSettings> = { model: 'softmax', limit: STEPS * 64, epochs: 1, testEvery: 10 };

/** What a training said in the end. */
interface Told {
  readonly messages: readonly Message[];
  readonly phases: readonly Phase[];
  readonly failures: readonly Extract<Message, { type: 'failed' }>[];
  readonly last: ReadonlyMap<RunName, RunProgress>;
  readonly tests: readonly TestPoint[];
  readonly losses: readonly number[];
}

function jobOf(settings: Partial<TrainingSettings>, ...runs: Partial<RunSettings>[]): Job {
  const shared = training({ ...short, ...settings });
  const named = runs.map((changed, i) => {
    const own = run(changed);
    return { name: (['a', 'b'] as const)[i]!, backend: own.backend, plan: planOf(own, shared) };
  });
  return { training: shared, runs: named };
}

async function start(backend: string): Promise<AnyBackend> {
  if (backend === 'cpu') return cpu() as AnyBackend;
  if (backend === 'wasm') return (await wasm()) as AnyBackend;
  throw new Error('it does not start here', { cause: new Error('no adapter') });
}

/** Trains to the end; `heard` is called with each message, and may pause, resume or stop. */
async function go(job: Job, heard: (message: Message, training: Training) => void = () => {}): Promise<Told> {
  const messages: Message[] = [];
  const digits = packedDigits();
  const made: Training = new Training(
    job,
    {
      digits: () => Promise.resolve(digits),
      start,
      forget: () => {},
      post: (message) => {
        messages.push(message);
        heard(message, made);
      },
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
    },
    () => {},
  );
  await made.go();
  const progress = messages.flatMap((message) => (message.type === 'progress' ? [message.progress] : []));
  const ofA = progress.flatMap(({ runs }) => runs.filter(({ name }) => name === 'a'));
  return {
    messages,
    phases: messages.flatMap((message) => (message.type === 'phase' ? [message.phase] : [])),
    failures: messages.filter((message) => message.type === 'failed'),
    last: new Map(progress.at(-1)?.runs.map((each) => [each.name, each])),
    tests: ofA.flatMap(({ tests }) => tests),
    losses: ofA.flatMap(({ loss }) => [...loss]),
  };
}

describe('a training', () => {
  it('learns the digits: 784-128-10 over 90 % in one epoch', { timeout: 60_000 }, async () => {
    const { tests, phases, last } = await go(jobOf({ model: 'mlp', limit: 8000 }, {}));
    expect(phases).toEqual(['starting', 'training', 'ended']);
    expect(tests.at(-1)!.accuracy).toBeGreaterThan(0.9);
    expect(last.get('a')!.updates).toBe(125);
  });

  it('tells every step once, and looks at the test digits now and then', async () => {
    const { losses, tests } = await go(jobOf({}, {}));
    expect(losses.length).toBe(STEPS);
    expect(tests.map(({ step, epoch }) => [step, epoch])).toEqual([
      [10, null],
      [20, null],
      [30, 1],
    ]);
  });

  it('gives the same weights when it was paused and resumed', async () => {
    const straight = await go(jobOf({}, { useEma: true }));
    let paused = false;
    const broken = await go(jobOf({}, { useEma: true }), (message, training) => {
      if (message.type === 'progress' && message.progress.step > 0 && !paused) {
        paused = true;
        training.pause();
        training.pause();
        setTimeout(() => training.resume(), 20);
      }
    });
    expect(broken.phases).toEqual(['starting', 'training', 'paused', 'training', 'ended']);
    expect(broken.losses).toEqual(straight.losses);
    expect(broken.last.get('a')!.fingerprint).toBe(straight.last.get('a')!.fingerprint);
    expect(straight.last.get('a')!.fingerprint).toMatch(/^[0-9a-f]{8}$/);
  });

  it('stops when it is asked to, also while it is paused', async () => {
    const { phases, losses, messages } = await go(jobOf({ epochs: 50 }, {}), (message, training) => {
      if (message.type === 'phase' && message.phase === 'training') training.pause();
      if (message.type === 'phase' && message.phase === 'paused') setTimeout(() => training.stop(), 5);
    });
    expect(phases).toEqual(['starting', 'training', 'paused', 'ended']);
    expect(losses.length).toBeLessThan(STEPS);
    expect(messages.at(-1)).toEqual({ type: 'phase', phase: 'ended', stopped: true });
  });

  it('compares two runs on the same batches: cpu and wasm are the same to the bit', async () => {
    const { messages, last } = await go(
      jobOf({}, { clip: 'globalClipnorm' }, { backend: 'wasm', clip: 'globalClipnorm' }),
    );
    const differences = messages.flatMap((message) =>
      message.type === 'progress' ? [message.progress.difference!] : [],
    );
    expect(differences.at(-1)).toMatchObject({ differing: 0, maxUlp: 0, elements: 7850, firstStep: null });
    expect(last.get('a')!.fingerprint).toBe(last.get('b')!.fingerprint);
  });

  it('says after which step two runs differ, and by how much', async () => {
    const { messages } = await go(jobOf({}, {}, { momentum: 0 }));
    const progress = messages.flatMap((message) => (message.type === 'progress' ? [message.progress] : [])).at(-1)!;
    expect(progress.difference!.firstStep).toBe(1);
    expect(progress.difference!.maxUlp).toBeGreaterThan(0);
  });

  it('keeps averages, and ends with them', async () => {
    const { tests } = await go(jobOf({}, { useEma: true, emaMomentum: 0.9 }));
    expect(tests.every(({ averaged }) => averaged !== null)).toBe(true);
    expect(tests.at(-1)!.averaged).not.toBe(tests.at(-1)!.accuracy);
  });

  it('goes on with one run when the other fails, and says why', async () => {
    const job = jobOf({}, { learningRate: 1e30, schedule: 'constant', nonFinite: 'throw' }, { backend: 'wasm' });
    const { failures, last } = await go(job);
    expect(failures).toEqual([
      { type: 'failed', name: 'a', step: expect.any(Number) as number, reason: expect.any(String) as string },
    ]);
    expect(failures[0]!.reason).toMatch(/finite gradients/);
    expect(last.get('b')!.updates).toBe(STEPS);
  });

  it('ends when the only run fails', async () => {
    const { failures, phases } = await go(jobOf({}, { learningRate: 1e30, schedule: 'constant', nonFinite: 'throw' }));
    expect(failures.length).toBe(1);
    expect(phases.at(-1)).toBe('ended');
  });

  it('drops steps that are not finite, and halves the loss scale', async () => {
    const wild = { learningRate: 1000, schedule: 'constant', lossScale: 'dynamic', initialScale: 2 ** 120 } as const;
    const { last, failures } = await go(jobOf({ model: 'mlp', limit: 640 }, wild));
    const { dropped, dynamicScale, updates } = last.get('a')!;
    expect(failures).toEqual([]);
    expect(dropped).toBeGreaterThan(0);
    expect(dynamicScale).toBe(2 ** (120 - dropped));
    expect(updates).toBe(10 - dropped);
  });

  it('does not start when a backend does not, and gives its reason', async () => {
    const { failures, phases, losses } = await go(jobOf({}, {}, { backend: 'gpujs:webgl' }));
    expect(failures).toEqual([{ type: 'failed', name: 'b', step: null, reason: 'it does not start here: no adapter' }]);
    expect([phases, losses]).toEqual([['starting', 'ended'], []]);
  });

  it('does not start with options that the optimizer refuses', async () => {
    const job = jobOf({}, { schedule: 'PiecewiseConstantDecay', values: [1, 2], boundaries: [1, 2] });
    expect((await go(job)).failures[0]!.reason).toMatch(/boundaries/);
  });

  it('says that the digits could not be had', async () => {
    const messages: Message[] = [];
    const world = {
      digits: () => Promise.reject(new Error('404')),
      start,
      forget: () => {},
      post: (message: Message) => void messages.push(message),
      breathe: () => Promise.resolve(),
    };
    await new Training(jobOf({}, {}), world, () => {}).go();
    expect(messages).toContainEqual({ type: 'failed', name: null, reason: '404', step: null });
  });
});
