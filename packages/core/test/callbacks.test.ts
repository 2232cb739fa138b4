import { SGD, SgdError, type Mode } from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { wasm } from '@sgd/wasm';
import { describe, expect, it } from 'vitest';
import { expectRefusal, expectRejection, f32, later } from './helpers.ts';

const engines = { cpu: async () => cpu(), wasm: async () => wasm(), asynchronous: async () => later() };
const unbuilt = (): never => new SGD({}, cpu()).trainablePaths as never;

describe.each(Object.entries(engines))('on %s, an SgdError of another optimizer', (_, engine) => {
  it('that a constraint throws is no refusal of this one: variables have changed', async () => {
    const x = f32(1);
    let isFirst = true;
    const optimizer = new SGD<CpuVariable, CpuGradient, Mode>({ learningRate: 1, momentum: 0.5 }, await engine());
    await optimizer.build({ x }, { constraints: { x: () => isFirst && unbuilt() } });
    const step = async (): Promise<boolean> => optimizer.apply([f32(1)]);
    const error = await expectRejection(step(), 'SGD_BACKEND', /^apply: .*SGD_NOT_BUILT|^apply: .*call build/);
    expect(error.cause).toBeInstanceOf(SgdError);
    expect((error.cause as SgdError).code).toBe('SGD_NOT_BUILT');
    isFirst = false;
    // and what the engine refuses afterwards is a refusal again
    await expectRejection((async () => optimizer.apply([x]))(), 'SGD_GRADIENT_SHAPE');
    expect(await step()).toBe(true);
  });

  it('that a learning rate throws refuses the step', async () => {
    const x = f32(1);
    const optimizer = new SGD<CpuVariable, CpuGradient, Mode>({ learningRate: unbuilt }, await engine());
    await optimizer.build({ x });
    const error = await expectRejection((async () => optimizer.apply([f32(1)]))(), 'SGD_INVALID_OPTION');
    expect((error.cause as SgdError).code).toBe('SGD_NOT_BUILT');
    expect([x[0], optimizer.iterations]).toEqual([1, 0]);
  });

  it('that a receiver of warnings throws does not say that nothing was changed', async () => {
    const x = f32(1);
    const onWarning = unbuilt;
    const optimizer = new SGD<CpuVariable, CpuGradient, Mode>({ learningRate: 1 }, await engine(), { onWarning });
    await optimizer.build({ x, y: f32(1) });
    const error = await expectRejection((async () => optimizer.apply([f32(1), null]))(), 'SGD_BACKEND', /was taken/);
    expect((error.cause as SgdError).code).toBe('SGD_NOT_BUILT');
    expect([x[0], optimizer.iterations]).toEqual([0, 1]);
  });
});

describe('what is thrown', () => {
  it('by a receiver of warnings, and is no SgdError, reaches the caller as it is', () => {
    const failure = new Error('mine');
    const onWarning = (): never => {
      throw failure;
    };
    const optimizer = new SGD({}, cpu(), { onWarning });
    optimizer.build([f32(1), f32(1)]);
    expect(() => optimizer.apply([f32(1), null])).toThrow(failure);
    expect(optimizer.iterations).toBe(1);
  });

  it.each([Object.create(null), { toString: 1 }, Symbol('s'), undefined, 'x'.repeat(1e6)])(
    'may be anything: %#',
    (failure: unknown) => {
      const fail = (): never => {
        throw failure;
      };
      const optimizer = new SGD({ learningRate: fail }, cpu());
      optimizer.build([f32(1)]);
      const { message } = expectRefusal(() => optimizer.apply([f32(1)]), 'SGD_INVALID_OPTION');
      expect(message.length).toBeLessThan(500);
      const constrained = new SGD({}, cpu());
      constrained.build({ x: f32(1) }, { constraints: { x: fail } });
      const error = expectRefusal(() => constrained.apply([f32(1)]), 'SGD_BACKEND');
      expect(error.cause).toBe(failure);
      expect(error.message.length).toBeLessThan(500);
    },
  );
});

describe('a constraint', () => {
  it('keeps what an engine finds on it', () => {
    const base = cpu();
    let found: unknown;
    const backend = {
      ...base,
      open: (...args: Parameters<typeof base.open>) => {
        found = (args[0].variables[0]?.constraint as { onDevice?: unknown } | null)?.onDevice;
        return base.open(...args);
      },
    };
    const onDevice = (): void => {};
    new SGD({}, backend).build({ x: f32(1) }, { constraints: { x: Object.assign(() => {}, { onDevice }) } });
    expect(found).toBe(onDevice);
  });
});
