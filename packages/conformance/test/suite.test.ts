import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { FEATURES } from '@sgd/core/engine';
import { type AnyBackend, derive } from '../src/backend.ts';
import { conformance, runSuite, strict } from '../src/index.ts';
import { suite } from '../src/suite.ts';

// the suite as its users run it: registered with this very runner
conformance({ backend: cpu(), describe, it });
describe('without functions made from text', () => {
  conformance({ backend: cpu({ jitless: true }), describe, it });
});
conformance({ backend: async () => strict(cpu()), describe, it });

describe('the suite', () => {
  it('gives every test an id of its own, in a room', () => {
    const tests = suite();
    expect(new Set(tests.map(({ id }) => id)).size).toBe(tests.length);
    for (const { id, room } of tests) expect(id.startsWith(`${room}/`)).toBe(true);
    expect(tests.length).toBeGreaterThan(500);
  });

  it('calls the factory once', async () => {
    let calls = 0;
    const backend = () => {
      calls++;
      return cpu();
    };
    await runSuite({ backend, only: ['contract'] });
    expect(calls).toBe(1);
  });

  it.each(FEATURES)('asserts the refusal where a backend leaves out "%s", and nothing fails', async (feature) => {
    const base = cpu() as unknown as AnyBackend;
    const left = FEATURES.filter((one) => one !== feature);
    const lacking = derive(base, {
      supports: new Set(left),
      ...(feature === 'float64' ? { variable: (values) => base.variable(values) } : {}),
    });
    const report = await runSuite({ backend: lacking });
    expect(report.failures).toEqual([]);
    expect(report.refused).toBeGreaterThan(feature === 'pow' || feature === 'sum' ? 0 : 4);
  });

  it('fails a backend that leaves out a feature in words only', async () => {
    // it says that it has no momentum, but core is told otherwise
    const supports = new Set(FEATURES);
    let asked = 0;
    const lying = derive(cpu() as unknown as AnyBackend, {});
    Object.defineProperty(lying, 'supports', { get: () => (asked++ % 2 === 0 ? new Set(['float64']) : supports) });
    const { failed } = await runSuite({ backend: lying, only: ['ownership'] });
    expect(failed).toBeGreaterThan(0);
  });
});

describe('expectedFailures', () => {
  const broken = derive(cpu() as unknown as AnyBackend, { describe: () => ({ shape: [1], dtype: 'float32' }) });
  const id = 'ownership/described';

  it('run, and failing is what they are for', async () => {
    const report = await runSuite({ backend: broken, only: [id], expectedFailures: { [id]: 'shapes get lost' } });
    expect(report).toMatchObject({ failed: 0, expectedFailures: 1, failures: [] });
  });

  it('are an error when they pass', async () => {
    const report = await runSuite({ backend: cpu(), only: [id], expectedFailures: { [id]: 'shapes get lost' } });
    expect(report.failed).toBe(1);
    expect(report.failures[0]!.details[0]!.message).toMatch(
      /passes, but is listed in expectedFailures \(shapes get lost\)/,
    );
  });

  it('need a reason, and a test', async () => {
    const backend = cpu();
    await expect(runSuite({ backend, expectedFailures: { [id]: ' ' } })).rejects.toThrow(/needs a reason/);
    await expect(runSuite({ backend, expectedFailures: { 'values/nothing': 'x' } })).rejects.toThrow(
      /no test "values\/nothing"/,
    );
    expect(() => conformance({ backend, describe, it, expectedFailures: { nothing: 'x' } })).toThrow(TypeError);
    await expect(runSuite({ backend, only: ['nothing'] })).rejects.toThrow(/no test "nothing"/);
  });

  it('are registered under their reason, and fail the run when they pass', async () => {
    const registered: { name: string; body: () => Promise<void> }[] = [];
    const runner = {
      describe: (_name: string, body: () => void) => body(),
      it: (name: string, body: () => Promise<void>) => registered.push({ name, body }),
    };
    for (const backend of [broken, cpu() as unknown as AnyBackend])
      conformance({ backend, ...runner, expectedFailures: { [id]: 'shapes get lost' } });
    const [failing, passing] = registered.filter(({ name }) => name.startsWith(id));
    expect(failing!.name).toContain('expected to fail: shapes get lost');
    await expect(failing!.body()).resolves.toBeUndefined();
    await expect(passing!.body()).rejects.toThrow(/take it off the list/);
  });
});
