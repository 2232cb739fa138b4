import { SGD, SgdError } from '@sgd/core';
import { describe, expect, it } from 'vitest';
import { CANDIDATES, type Candidate, reportText, selectBackend, selectFrom, SelectionError } from '../src/index.ts';

const statuses = (report: { candidates: readonly { name: string; status: string }[] }): Record<string, string> =>
  Object.fromEntries(report.candidates.map(({ name, status }) => [name, status]));

describe('selectBackend', () => {
  it('takes wasm for 100,000 elements in typed arrays, and the backend trains them', async () => {
    const { backend, report } = await selectBackend();
    expect(report).toMatchObject({ gradients: 'host', runtime: 'node', chosen: 'wasm' });
    expect(statuses(report)).toMatchObject({ wasm: 'chosen', cpu: 'usable', tfjs: 'not tried' });
    const weights = new Float32Array([1, 2]);
    const optimizer = new SGD({ learningRate: 0.5 }, backend);
    optimizer.build({ weights });
    expect(optimizer.apply({ weights: new Float32Array([1, -1]) })).toBe(true);
    expect([...weights]).toEqual([0.5, 2.5]);
  });

  it('takes cpu for a few elements, where the copy costs more than the loop', async () => {
    const { report } = await selectBackend({ workload: { shapes: [[4], []] } });
    expect(report.chosen).toBe('cpu');
    expect(report.reason).toMatch(/times as fast as wasm at 5 elements, by figures measured before/);
  });

  it('takes what has the type of the workload, and says what has not', async () => {
    const { backend, report } = await selectBackend({ workload: { shapes: [[1e6]], dtype: 'float64' } });
    expect(backend.name).toBe('cpu');
    expect(report.candidates.find(({ name }) => name === 'wasm')).toMatchObject({
      status: 'unusable',
      reason: 'it has no float64',
    });
  });

  it('takes what is preferred if it runs, and the next if not', async () => {
    expect((await selectBackend({ prefer: 'cpu' })).report).toMatchObject({
      chosen: 'cpu',
      reason: expect.stringMatching(/^it is preferred/),
    });
    const { report } = await selectBackend({ gradients: 'gpujs', prefer: ['gpujs:webgl2', 'gpujs:cpu'] });
    expect(report.chosen).toBe('gpujs:cpu');
    expect(statuses(report)).toMatchObject({ 'gpujs:webgl2': 'unusable', 'gpujs:webasm': 'usable' });
  });

  it('tries only what is required, and throws with the report where it does not run', async () => {
    expect((await selectBackend({ require: 'cpu' })).report.candidates[0]).toMatchObject({
      name: 'wasm',
      status: 'not tried',
    });
    const failed = await selectBackend({ gradients: 'gpujs', require: 'gpujs:webgl2' }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(SelectionError);
    expect(failed).toBeInstanceOf(SgdError);
    const { code, message, report } = failed as SelectionError;
    expect(code).toBe('SGD_UNSUPPORTED');
    expect(message).toContain('✗ gpujs:webgl2  unusable: there is no WebGL 2 here');
    expect(report.chosen).toBeNull();
  });

  it.each([
    [
      { gradients: 'device' as 'host' },
      /gradients: expected one of "host", "tfjs", "onnxruntime", "gpujs", got "device"/,
    ],
    [{ require: 'webgl' }, /require: for gradients of "host" there are wasm, cpu, got "webgl"/],
    [{ prefer: ['wasm', 'tfjs'] }, /prefer: for gradients of "host" there are wasm, cpu, got "tfjs"/],
    [{ workload: { shapes: [] } }, /workload.shapes: expected a list of shapes such as .*, got \[\]/],
    [{ workload: { shapes: [[1.5]] } }, /workload.shapes: .* got \[\[1.5\]\]/],
    [{ workload: { shapes: [[1]], dtype: 'float16' as 'float32' } }, /workload.dtype: .* got "float16"/],
    [{ workload: { shapes: [[1]], options: { momentum: 2 } } }, /momentum/],
  ])('refuses %j by name', async (options, message) => {
    await expect(selectBackend(options)).rejects.toMatchObject({
      code: 'SGD_INVALID_OPTION',
      message: expect.stringMatching(message),
    });
  });

  it('gives a report that is plain data, and the same as text', async () => {
    const { report } = await selectBackend({ benchmark: { milliseconds: 20 } });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    const lines = reportText(report).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^✓ wasm {2}chosen: WebAssembly SIMD, float32; [\d.]+ ns an element$/);
    expect(lines[2]).toMatch(/^wasm: [\d.]+ times as fast as cpu at 100,000 elements, measured now/);
  });

  it('tells what it does, and stops when it is told to', async () => {
    const told: string[] = [];
    await selectBackend({ benchmark: { milliseconds: 10 }, onProgress: (what) => told.push(what) });
    expect(told.slice(0, 2)).toEqual(['trying wasm', 'trying cpu']);
    expect(told.at(-1)).toMatch(/^timing wasm, cpu: (\d+) of \1$/);
    const stop = new AbortController();
    const reason = new Error('enough');
    const stopped = selectBackend({ signal: stop.signal, benchmark: true, onProgress: () => stop.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
  });
});

describe('selectFrom', () => {
  const cpu = CANDIDATES.find(({ name }) => name === 'cpu') as Candidate<'host'>;
  const released: string[] = [];
  const variant = (name: string, open: Candidate<'host'>['open']): Candidate => ({ ...cpu, name, open });

  it('gives back what was made for those that are not chosen', async () => {
    const first = variant('first', async (...given) => ({
      ...(await cpu.open(...given)),
      release: () => released.push('first'),
    }));
    const second = variant('second', async (...given) => ({
      ...(await cpu.open(...given)),
      release: () => released.push('second'),
    }));
    expect((await selectFrom([first, second])).report).toMatchObject({
      chosen: 'first',
      reason: expect.stringMatching(/^first in order/),
    });
    expect(released).toEqual(['second']);
  });

  it('does not choose what gives wrong numbers, never answers, or throws', async () => {
    const wrong = variant('wrong', async (...given) => {
      const opened = await cpu.open(...given);
      const { backend } = opened;
      const open: typeof backend.open = (program, variables) => backend.open({ ...program, slots: [] }, variables);
      return { ...opened, backend: { ...backend, open } };
    });
    const silent = variant('silent', () => new Promise(() => {}));
    const broken = variant('broken', () => Promise.reject(new Error('no device\nat line 1')));
    const failed = await selectFrom([wrong, silent, broken], { timeout: 20 }).catch((error: unknown) => error);
    const reasons = (failed as SelectionError).report.candidates.map(({ reason }) => reason);
    expect(reasons).toEqual([
      'two steps from 1, 2 gave 0,4, expected -0.25,4.5',
      'it did not answer within 0.02 seconds',
      'no device',
    ]);
  });

  it('knows no other candidates', async () => {
    await expect(selectFrom([cpu], { gradients: 'tfjs' })).rejects.toThrow('expected one of "host", got "tfjs"');
  });
});
