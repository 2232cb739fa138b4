import { createHash } from 'node:crypto';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { bitsOf } from '../src/goldens/bits.ts';
import type { CheckCase, GoldenStep, TrajectoryCase } from '../src/goldens/format.ts';
import { openGoldens } from '../src/goldens/open.ts';
import { builtinGoldens, type GoldenFiles, type Report, runSuite } from '../src/index.ts';

const recorded = openGoldens(builtinGoldens()).files;
const trajectory = (id: string): TrajectoryCase =>
  structuredClone(
    recorded.flatMap((file) => (file.kind === 'trajectories' ? file.cases : [])).find((one) => one.id === id)!,
  );

/** Goldens of one file. `hashed`: what the manifest and the case's own hash were made of, where that is another. */
function goldensOf(kind: string, cases: readonly object[], hashed = cases): GoldenFiles {
  const print = (list: readonly object[]): string =>
    JSON.stringify({ schemaVersion: 1, set: 'made', kind, cases: list });
  const text = print(hashed);
  const entry = { cases: cases.length, bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') };
  const manifest = { schemaVersion: 1, set: 'made', kind: 'manifest', files: { [`${kind}.json`]: entry } };
  return { 'manifest.json': JSON.stringify(manifest), [`${kind}.json`]: print(cases) };
}

const rehashed = (one: TrajectoryCase): TrajectoryCase => ({ ...one, bits: bitsOf(one) });
const replay = (one: TrajectoryCase, hashed = one): Promise<Report> =>
  runSuite({ backend: cpu(), goldens: goldensOf('trajectories', [one], [hashed]), only: ['goldens', 'values'] });
const withStep = (id: string, index: number, change: (step: GoldenStep) => Partial<GoldenStep>): TrajectoryCase => {
  const one = trajectory(id);
  const steps = one.steps.map((step, i) => (i === index ? { ...step, ...change(step) } : step));
  return rehashed({ ...one, steps });
};

describe('goldens that do what we refuse are replayed up to there', () => {
  const accumulating = trajectory('option-028-accumulate2');
  const cases: Record<string, TrajectoryCase> = {
    'fractional accumulation': {
      ...accumulating,
      optimizer: {
        ...accumulating.optimizer,
        config: { ...accumulating.optimizer.config, gradient_accumulation_steps: 2.5 },
      },
    },
    'fewer gradients than variables': withStep('edge-031-subset', 2, () => ({ grads: [[1]], vars: [2, 0] })),
    'more gradients than variables': withStep('edge-031-subset', 2, () => ({ grads: [[1], [1, 2, 3]], vars: [2] })),
    'a variable twice': withStep('edge-031-subset', 2, () => ({ grads: [[1], [2]], vars: [2, 2] })),
    'a gradient that is broadcast': withStep('edge-031-subset', 0, () => ({ grads: [[1], [1, 2, 3, 4], [1]] })),
    'finalize before the first step': withStep('edge-040-finalize-continue', 0, () => ({ finalize: true })),
  };

  it.each(Object.entries(cases))('%s', async (_, one) => {
    expect(await replay(one)).toMatchObject({ failed: 0, passed: 3 });
  });

  it('but what comes before must still be right', async () => {
    const one = withStep('edge-031-subset', 3, () => ({ grads: [[1], [2]], vars: [2, 2] }));
    const wrong = rehashed({
      ...one,
      expect: one.expect.map((expectation, i) => (i === 1 ? { ...expectation, iterations: 9 } : expectation)),
    });
    const { failures } = await replay(wrong);
    expect(failures.map(({ details }) => details.map(({ step, field }) => [step, field]))).toEqual([
      [[1, 'iterations']],
    ]);
  });
});

describe('goldens of kinds that the public ones do not have', () => {
  it('a step without gradients, and one with an empty list', async () => {
    const one = trajectory('option-000-defaults');
    const steps = [{}, { grads: [] }, ...one.steps];
    const expect_ = one.expect.map((expectation) => ({ ...expectation, step: expectation.step + 2 }));
    expect(await replay(rehashed({ ...one, steps, expect: expect_ }))).toMatchObject({ failed: 0 });
  });

  it('paths that come twice, or are numbers', async () => {
    const one = trajectory('option-021-ema');
    const rename = (path: string): string => (path === 'dense/kernel' ? '7' : '3');
    const variables = one.variables.map((variable) => ({ ...variable, path: rename(variable.path) }));
    const optimizerVariables = one.optimizerVariables.map((variable) => ({
      ...variable,
      path: variable.path.replace('dense_kernel', '7').replace('dense_bias', '3'),
    }));
    expect((await replay({ ...one, variables, optimizerVariables })).failures).toEqual([]);
    const same = one.variables.map((variable) => ({ ...variable, path: 'x/y' }));
    const twice = optimizerVariables.map((variable) => ({ ...variable, path: variable.path.replace(/[37]_/, 'x_y_') }));
    expect((await replay({ ...one, variables: same, optimizerVariables: twice })).failures).toEqual([]);
  });

  it('a type that nobody has', async () => {
    const one = { ...trajectory('option-000-defaults'), dtype: 'bfloat16', bits: undefined };
    expect(await replay(one as unknown as TrajectoryCase)).toMatchObject({ failed: 0, refused: 1 });
  });

  const checks: [string, Partial<CheckCase>, number][] = [
    ['a flag that is null, which Keras takes', { args: { nesterov: null }, error: null }, 0],
    ['a limit that is a string', { args: { clipnorm: '1' }, error: null }, 0],
    [
      'such an option inside a config',
      { target: 'get', args: { identifier: { class_name: 'SGD', config: { use_ema: 1 } } }, error: null },
      0,
    ],
    [
      'a schedule as learning rate',
      {
        args: {
          learning_rate: {
            module: 'keras.optimizers.schedules',
            class_name: 'CosineDecay',
            config: { initial_learning_rate: 0.1, decay_steps: 3 },
          },
        },
        error: null,
      },
      0,
    ],
    ['NaN', { args: { momentum: 'NaN' }, error: null }, 0],
    ['a good option, said to fail', { args: { momentum: 0.5 }, error: 'ValueError' }, 1],
    ['a bad option, said to pass', { args: { momentum: 1.5 }, error: null }, 1],
    ['a warning that does not come', { args: { momentum: 0.5 }, error: null, warns: true }, 1],
    ['a warning that should not come', { args: { decay: 0.5 }, error: null }, 1],
    ['a target that is not in the format', { target: 'Adam', error: null }, 1],
  ];
  it.each(checks)('check: %s', async (_, one, failed) => {
    const whole = { id: 'check-000', target: 'SGD', args: {}, error: null, ...one };
    const report = await runSuite({ backend: cpu(), goldens: goldensOf('checks', [whole]), only: ['checks'] });
    expect(report.failed).toBe(failed);
  });
});

describe('numbers that no hash covers', () => {
  const moved = async (id: string, change: (one: TrajectoryCase) => TrajectoryCase): Promise<string[]> => {
    const one = trajectory(id);
    const { goldens } = await replay(change(one), one);
    return goldens.moved.map(({ step, field }) => [step, field].filter((x) => x !== undefined).join(' '));
  };
  const withConfig = (one: TrajectoryCase, config: object): TrajectoryCase => ({
    ...one,
    optimizer: { ...one.optimizer, config: { ...one.optimizer.config, ...config } },
  });

  it('an argument of the optimizer', async () => {
    expect(await moved('option-004-momentum', (one) => withConfig(one, { momentum: 0.8550001 }))).toEqual([
      'optimizer.config.momentum',
    ]);
  });

  it('a learning rate set on the way', async () => {
    const change = (one: TrajectoryCase): TrajectoryCase => ({
      ...one,
      steps: one.steps.map((step) =>
        step.setLearningRate === 0.151 ? { ...step, setLearningRate: 0.15100001 } : step,
      ),
    });
    expect(await moved('edge-025-lr-change', change)).toEqual(['2 setLearningRate']);
  });

  it('a number of a schedule set on the way', async () => {
    const change = (one: TrajectoryCase): TrajectoryCase =>
      JSON.parse(
        JSON.stringify(one).replace('"initial_learning_rate":0.0544', '"initial_learning_rate":0.054400004'),
      ) as TrajectoryCase;
    expect(await moved('edge-028-lr-to-schedule', change)).toEqual(['3 setLearningRate.config.initial_learning_rate']);
  });

  it('a rate that was recorded', async () => {
    const change = (one: TrajectoryCase): TrajectoryCase => ({
      ...one,
      expect: one.expect.map((expectation, i) =>
        i === 3 ? { ...expectation, learningRate: 0.13100001 } : expectation,
      ),
    });
    expect(await moved('option-004-momentum', change)).toEqual(['3 learningRate']);
  });
});

describe('files that are wrong', () => {
  const good = goldensOf('trajectories', [trajectory('option-000-defaults')]);
  const findings = (files: GoldenFiles): string[] => openGoldens(files).findings.map(({ kind }) => kind);

  it('are findings, and never throw', () => {
    expect(findings(good)).toEqual([]);
    expect(findings({})).toEqual(['manifest']);
    expect(findings({ ...good, 'manifest.json': '{' })).toEqual(['manifest']);
    expect(findings({ ...good, 'manifest.json': '{"schemaVersion":2}' })).toEqual(['manifest']);
    expect(findings({ ...good, 'manifest.json': '{"schemaVersion":1}' })).toEqual(['manifest']);
    expect(findings({ 'manifest.json': good['manifest.json']! })).toEqual(['absent']);
    expect(findings({ ...good, 'trajectories.json': good['trajectories.json']!.slice(0, -9) })).toEqual(['truncated']);
    expect(findings({ ...good, 'trajectories.json': `${good['trajectories.json']}}` })).toEqual(['unreadable']);
    expect(findings({ ...good, 'trajectories.json': '{"schemaVersion":1,"kind":"other","cases":[]}' })).toEqual([
      'unreadable',
    ]);
    const more = good['trajectories.json']!.replace('"cases":[', '"cases":[{"id":"x"},');
    expect(findings({ ...good, 'trajectories.json': more })).toEqual(['malformed', 'surplus-cases']);
    expect(openGoldens({ ...good, 'more.json': '{}' }).unlisted).toEqual(['more.json']);
    const totals = good['manifest.json']!.replace('"set"', '"trajectoryCases":5,"set"');
    expect(findings({ ...good, 'manifest.json': totals })).toEqual(['manifest']);
  });

  it('fail the suite by name', async () => {
    for (const files of [{}, { ...good, 'manifest.json': '{' }]) {
      const { failures } = await runSuite({ backend: cpu(), goldens: files, only: ['goldens'] });
      expect(failures.map(({ id }) => id)).toEqual(['goldens/manifest.json']);
    }
  });
});
