import { LossScaleOptimizer, SGD, type SGDOptions, type Step } from '@sgd/core';
import { cpu, type CpuGradient, type CpuVariable } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';
import { expectRefusal, f32 } from './helpers.ts';

/** The real engine, with a copy of each step that it was asked for. */
function recording() {
  const base = cpu();
  const steps: (Step & { gradients: number; indices: number[] })[] = [];
  const backend: typeof base = {
    ...base,
    open(program, variables) {
      const session = base.open(program, variables);
      return {
        ...session,
        step(step, gradients, indices) {
          const copy = { ...step, rates: step.rates.map((rates) => ({ ...rates })) };
          steps.push({ ...copy, gradients: gradients.length, indices: [...indices] });
          return session.step(step, gradients, indices);
        },
      };
    },
  };
  return { backend, steps };
}

function run(options: SGDOptions, calls: number, wrap = false) {
  const { backend, steps } = recording();
  const sgd: SGD<CpuVariable, CpuGradient, 'sync'> = new SGD(options, backend);
  const optimizer = wrap ? new LossScaleOptimizer(sgd, { initialScale: 4, dynamicGrowthSteps: 1 }) : sgd;
  optimizer.build({ a: f32(1), b: f32(1), o: f32(1) }, { overwriteWithGradient: ['o'] });
  for (let i = 0; i < calls; i++) optimizer.apply({ a: f32(1), b: f32(1) });
  return { steps, optimizer };
}

describe('what the engine is asked for', () => {
  it('plain', () => {
    const { steps } = run({ learningRate: 0.5, clipnorm: 3 }, 1);
    expect(steps).toEqual([
      {
        phase: 'update',
        ordinary: true,
        lossScale: 1,
        accumulationSteps: 1,
        clipLimit: 3,
        rates: [{ learningRate: 0.5, options: [0], weightDecay: 0 }],
        updateCount: 1,
        averageMomentum: 0,
        averageOverwrite: false,
        gradients: 2,
        indices: [0, 1],
      },
    ]);
  });

  it('phases and averages over accumulated micro-batches', () => {
    const options = { gradientAccumulationSteps: 3, useEma: true, emaMomentum: 0.75, emaOverwriteFrequency: 2 };
    const { steps } = run(options, 7);
    const [a, u] = ['accumulate', 'update'];
    expect(steps.map((s) => s.phase)).toEqual([a, a, u, a, a, u, a]);
    expect(steps.map((s) => s.averageMomentum)).toEqual([0, 0, 0, 0.75, 0.75, 0.75, 0.75]);
    expect(steps.map((s) => s.averageOverwrite)).toEqual([false, false, false, true, true, true, false]);
    expect(steps.map((s) => s.accumulationSteps)).toEqual([3, 3, 3, 3, 3, 3, 3]);
  });

  it('no overwriting by averages that are not kept', () => {
    const { steps } = run({ emaOverwriteFrequency: 1 }, 2);
    expect(steps.map((s) => s.averageOverwrite)).toEqual([false, false]);
    const third = run({ useEma: true, emaOverwriteFrequency: 3 }, 4);
    expect(third.steps.map((s) => s.averageOverwrite)).toEqual([false, false, true, false]);
    const never = run({ useEma: true, emaOverwriteFrequency: 0 }, 2);
    expect(never.steps.map((s) => s.averageOverwrite)).toEqual([false, false]);
  });

  it('the loss scale: fixed, or of the moment', () => {
    expect(run({ lossScaleFactor: 8 }, 1).steps[0]?.lossScale).toBe(8);
    expect(run({ lossScaleFactor: 0 }, 1).steps[0]?.lossScale).toBe(0);
    expect(run({}, 3, true).steps.map((s) => s.lossScale)).toEqual([4, 8, 16]);
  });

  it('whether an ordinary variable is among those given, each time anew', () => {
    const { steps, optimizer } = run({ learningRate: 0.5 }, 0);
    optimizer.apply({ o: f32(1) });
    optimizer.apply({ o: f32(1), a: f32(1) });
    optimizer.apply({ o: f32(1), a: null });
    optimizer.apply({ b: f32(1), o: f32(1) });
    expect(steps.map((s) => s.ordinary)).toEqual([false, true, false, true]);
    expect(steps.map((s) => s.indices)).toEqual([[2], [2, 0], [2], [1, 2]]);
    expect(steps.map((s) => s.gradients)).toEqual([1, 2, 1, 2]);
  });

  it('no rate where nothing is updated', () => {
    let asked = 0;
    const { optimizer } = run({ learningRate: () => ++asked }, 0);
    optimizer.apply({ o: f32(1) });
    expect(asked).toBe(0);
    optimizer.apply({ o: f32(1), b: f32(1) });
    expect(asked).toBe(1);
  });

  it('nothing after a call that was refused half way', () => {
    const { steps, optimizer } = run({}, 0);
    expectRefusal(() => optimizer.apply({ a: f32(1), b: f32(1, 2) }), 'SGD_GRADIENT_SHAPE');
    expectRefusal(() => optimizer.apply({ a: f32(1), x: f32(1) }), 'SGD_UNKNOWN_VARIABLE');
    expect(steps).toEqual([]);
    optimizer.apply({ b: f32(1) });
    expect(steps[0]?.indices).toEqual([1]);
  });

  it('no gradient is kept after the step', () => {
    const { backend } = recording();
    let kept: readonly unknown[] = [];
    const optimizer = new SGD(
      {},
      {
        ...backend,
        open: (...args) => {
          const session = backend.open(...args);
          return {
            ...session,
            step: (step, gradients, indices) => ((kept = gradients), session.step(step, gradients, indices)),
          };
        },
      },
    );
    optimizer.build([f32(1), f32(1)]);
    optimizer.apply([f32(1), f32(1)]);
    expect([...kept]).toEqual([undefined, undefined]);
  });
});
