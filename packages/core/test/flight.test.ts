import { SGD, type SgdErrorCode } from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { f32, later, expectRefusal, expectRejection } from './helpers.ts';

async function inFlight(options = {}) {
  const backend = later();
  const x = f32(1);
  const optimizer = new SGD({ learningRate: 1, useEma: true, ...options }, backend);
  await optimizer.build([x]);
  await optimizer.apply([f32(1)]);
  const state = await optimizer.getState();
  const open = backend.hold();
  return { optimizer, x, state, open, step: optimizer.apply([f32(1)]) };
}

describe('while a step is in flight', () => {
  it('every other change is refused, and the step goes on', async () => {
    const { optimizer, x, state, open, step } = await inFlight();
    const busy: SgdErrorCode = 'SGD_BUSY';
    await expectRejection(optimizer.apply([f32(1)]), busy, /apply: apply is still in flight/);
    await expectRejection(optimizer.applyGradients([[f32(1), x]]), busy);
    await expectRejection(optimizer.setState(state), busy, /setState/);
    await expectRejection(optimizer.finalizeVariableValues(), busy);
    await expectRejection(optimizer.swapAverages(), busy);
    await expectRejection(optimizer.dispose(), busy);
    expectRefusal(() => {
      optimizer.learningRate = 2;
    }, busy);
    open();
    expect(await step).toBe(true);
    expect(optimizer.iterations).toBe(2);
    expect(await optimizer.apply([f32(1)])).toBe(true);
    expect(x[0]).toBe(-2);
  });

  it('reads wait for it', async () => {
    const { optimizer, open, step } = await inFlight({ momentum: 0.5 });
    let done = false;
    const reads = Promise.all([
      optimizer.read('variable'),
      optimizer.readAll(),
      optimizer.getState(),
      optimizer.read('sgd/iteration'),
    ]);
    void reads.then(() => {
      done = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(done).toBe(false);
    open();
    const [one, all, state, iteration] = await reads;
    await step;
    expect([one[0], all.variable?.[0], state.iterations, iteration[0]]).toEqual([-1.5, -1.5, 2, 2]);
  });

  it('a failure of the engine ends it', async () => {
    const base = later();
    let fail = true;
    const backend = {
      ...base,
      async open(...args: Parameters<typeof base.open>) {
        const session = await base.open(...args);
        return {
          ...session,
          step: (...a: Parameters<typeof session.step>) =>
            fail ? Promise.reject(new Error('device lost')) : session.step(...a),
        };
      },
    };
    const optimizer = new SGD({}, backend);
    await optimizer.build([f32(1)]);
    const { cause } = await expectRejection(
      optimizer.apply([f32(1)]),
      'SGD_BACKEND',
      /apply: the backend "cpu" failed: Error: device lost/,
    );
    expect((cause as Error).message).toBe('device lost');
    expect(optimizer.iterations).toBe(0);
    fail = false;
    expect(await optimizer.apply([f32(1)])).toBe(true);
  });
});

describe('a callback that calls back', () => {
  it('is refused, from a learning rate and from a constraint', () => {
    const x = f32(1);
    const codes: unknown[] = [];
    const attempt = (call: () => unknown): void => {
      try {
        call();
      } catch (error) {
        codes.push((error as { code: unknown }).code);
      }
    };
    const rate = (): number => (attempt(() => optimizer.apply([f32(1)])), attempt(() => optimizer.dispose()), 1);
    const optimizer: SGD<CpuVariable, CpuGradient, 'sync'> = new SGD({ learningRate: rate }, cpu());
    optimizer.build(
      { x },
      {
        constraints: {
          x: () =>
            attempt(() => {
              optimizer.learningRate = () => 2;
            }),
        },
      },
    );
    expect(optimizer.apply([f32(1)])).toBe(true);
    expect(codes).toEqual(['SGD_BUSY', 'SGD_BUSY', 'SGD_BUSY']);
    expect(x[0]).toBe(0);
  });

  it('may read, and gets what is there after the step', async () => {
    const x = f32(1);
    let read: Promise<unknown> | undefined;
    const optimizer = new SGD({ learningRate: 1 }, cpu());
    optimizer.build(
      { x },
      {
        constraints: {
          x: () => {
            read = optimizer.read('x');
          },
        },
      },
    );
    optimizer.apply([f32(1)]);
    expect(await read).toEqual(f32(0));
  });

  it('a constraint that throws is a failure of the engine, with its cause', () => {
    const failure = new Error('mine');
    const optimizer = new SGD({}, cpu());
    optimizer.build(
      { x: f32(1) },
      {
        constraints: {
          x: () => {
            throw failure;
          },
        },
      },
    );
    expect(expectRefusal(() => optimizer.apply([f32(1)]), 'SGD_BACKEND', /Error: mine/).cause).toBe(failure);
    expectRefusal(() => optimizer.apply([f32(1)]), 'SGD_BACKEND');
  });
});

describe('reading', () => {
  it('gives copies as of the call', async () => {
    const x = f32(1, 2);
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 }, cpu());
    optimizer.build({ 'a/x': x });
    const before = optimizer.readAll();
    const one = optimizer.read('a/x');
    const state = optimizer.getState();
    optimizer.apply([f32(1, 1)]);
    expect((await before)['a/x']).toEqual(f32(1, 2));
    expect(await one).toEqual(f32(1, 2));
    expect((await state).slots['a/x']?.momentum).toEqual(f32(0, 0));
    const copy = await optimizer.read('a/x');
    copy[0] = 99;
    expect(x[0]).toBe(0);
    expect(await optimizer.read('sgd/a_x_momentum')).toEqual(f32(-1, -1));
    expect(await optimizer.read('sgd/iteration')).toEqual(Float64Array.of(1));
    expect(await optimizer.read('sgd/learning_rate')).toEqual(f32(1));
    await expectRejection(optimizer.read('a/y'), 'SGD_UNKNOWN_VARIABLE', /"a\/y"/);
    expect(optimizer.trainableVariable('a/x')).toBe(x);
    expect(optimizer.trainableVariables).toEqual([x]);
  });

  it('needs variables', async () => {
    const optimizer = new SGD({}, cpu());
    await expectRejection(optimizer.read('x'), 'SGD_NOT_BUILT', /read:/);
    await expectRejection(optimizer.readAll(), 'SGD_NOT_BUILT', /readAll:/);
    await expectRejection(optimizer.measured(), 'SGD_NOT_BUILT', /measured:/);
    await expectRejection(optimizer.getState(), 'SGD_NOT_BUILT', /getState:/);
    await expectRejection(optimizer.setState({} as never), 'SGD_NOT_BUILT', /setState:/);
  });
});

describe('dispose', () => {
  it('ends every other call, and leaves the variables', async () => {
    const x = f32(1);
    const optimizer = new SGD({ learningRate: 1 }, cpu());
    optimizer.build({ x });
    optimizer.apply([f32(1)]);
    optimizer.dispose();
    optimizer.dispose();
    const gone: SgdErrorCode = 'SGD_DISPOSED';
    expectRefusal(() => optimizer.apply([f32(1)]), gone, /apply: the optimizer was disposed of/);
    expectRefusal(() => optimizer.build([x]), gone);
    expectRefusal(() => optimizer.finalizeVariableValues(), gone);
    expectRefusal(() => optimizer.trainableVariables, gone, /trainableVariables/);
    expectRefusal(() => {
      optimizer.learningRate = 1;
    }, gone);
    await expectRejection(optimizer.read('x'), gone);
    await expectRejection(optimizer.getState(), gone);
    expect(x[0]).toBe(0);
  });

  it('works before build and on an asynchronous backend', async () => {
    const unbuilt = new SGD({}, cpu());
    unbuilt.dispose();
    expectRefusal(() => unbuilt.build([f32(1)]), 'SGD_DISPOSED');
    const optimizer = new SGD({}, later());
    await optimizer.build([f32(1)]);
    await optimizer.dispose();
    await optimizer.dispose();
    await expectRejection(optimizer.apply([f32(1)]), 'SGD_DISPOSED');
  });
});
