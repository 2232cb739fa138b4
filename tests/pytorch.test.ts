import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  LossScaleOptimizer,
  PiecewiseConstantDecay,
  SGD,
  SgdError,
} from '@sgd/core';
import type { SGDOptions } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { describe, expect, it } from 'vitest';

// What docs/moving-from-pytorch.md says beside its examples. PyTorch's side is its documented formula in float64; that the formula is
// PyTorch's is held by numbers of PyTorch 2.14.1 on a CPU.

interface TorchOptions {
  readonly lr: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly weightDecay?: number;
}

/** `torch.optim.SGD` over one parameter. */
function torch(w: number[], { momentum = 0, dampening = 0, weightDecay = 0, ...rest }: TorchOptions) {
  const self = {
    w,
    lr: rest.lr,
    buffer: undefined as number[] | undefined,
    step(gradient: readonly number[]) {
      let direction = gradient.map((g, i) => g + weightDecay * w[i]!);
      if (momentum !== 0) {
        const last = self.buffer;
        self.buffer = last ? direction.map((d, i) => momentum * last[i]! + (1 - dampening) * d) : direction;
        direction = self.buffer;
      }
      direction.forEach((d, i) => (w[i]! -= self.lr * d));
    },
  };
  return self;
}

/** The gradient of the sum of squares. */
const slope = (w: ArrayLike<number>): number[] => Array.from(w, (x) => 2 * x);
const expectClose = (ours: ArrayLike<number>, theirs: readonly number[]): void =>
  theirs.forEach((value, i) => expect(ours[i]).toBeCloseTo(value, 5));

const f32 = (...values: number[]): Float32Array => Float32Array.from(values);
/** One variable on typed arrays. */
function ours(values: number[], options: SGDOptions) {
  const w = f32(...values);
  const optimizer = new SGD(options, cpu());
  optimizer.build({ w });
  return { w, optimizer, step: (gradient: readonly number[]) => optimizer.apply({ w: f32(...gradient) }) };
}

/** `clip_grad_norm_`, as the page has it. */
function clipped(gradient: readonly number[], limit: number): number[] {
  const factor = limit / (Math.hypot(...gradient) + 1e-6);
  return gradient.map((g) => g * Math.min(1, factor));
}

describe('clipping by hand', () => {
  it('comes before the decay that PyTorch adds', () => {
    const theirs = torch([3, 4], { lr: 0.1, momentum: 0.9, weightDecay: 0.5 });
    for (let i = 0; i < 5; i++) theirs.step(clipped(slope(theirs.w), 1));
    expectClose(theirs.w, [0.5520550012588501, 0.7360734343528748]); // PyTorch
    const mine = ours([3, 4], { learningRate: 0.1, momentum: 0.9 });
    for (let i = 0; i < 5; i++) mine.step(clipped(slope(mine.w), 1).map((g, k) => g + 0.5 * mine.w[k]!));
    expectClose(mine.w, theirs.w);
    const late = ours([3, 4], { learningRate: 0.1, momentum: 0.9, globalClipnorm: 1 });
    for (let i = 0; i < 5; i++) late.step(slope(late.w).map((g, k) => g + 0.5 * late.w[k]!));
    expect(Math.abs(late.w[0]! - theirs.w[0]!)).toBeGreaterThan(0.1);
  });

  it('by another norm than L2', () => {
    const theirs = torch([3, 4], { lr: 0.1 });
    const mine = ours([3, 4], { learningRate: 0.1 });
    const byLargest = (w: ArrayLike<number>): number[] => {
      const gradient = slope(w);
      const factor = 1 / (Math.max(...gradient.map(Math.abs)) + 1e-6);
      return gradient.map((g) => g * Math.min(1, factor));
    };
    for (let i = 0; i < 5; i++) {
      theirs.step(byLargest(theirs.w));
      mine.step(byLargest(mine.w));
    }
    expectClose(theirs.w, [2.624999761581421, 3.500000476837158]); // PyTorch, norm_type=inf
    expectClose(mine.w, theirs.w);
  });

  it('of a scaled gradient takes a limit that is scaled as well', () => {
    const w = f32(3, 4);
    const optimizer = new LossScaleOptimizer(new SGD({ learningRate: 0.1 }, cpu()), { initialScale: 1024 });
    optimizer.build({ w });
    const theirs = torch([3, 4], { lr: 0.1 });
    for (let i = 0; i < 5; i++) {
      const scale = optimizer.dynamicScale;
      optimizer.apply({
        w: f32(
          ...clipped(
            slope(w).map((g) => g * scale),
            scale,
          ),
        ),
      });
      theirs.step(clipped(slope(theirs.w), 1)); // after scaler.unscale_
    }
    expectClose(w, theirs.w);
  });

  it.each([0, -1])('a limit of %s does not clip here', (limit) => {
    // PyTorch: clip_grad_norm_ gives 0 and turns the gradient round, clip_grad_value_ makes every element the limit
    for (const options of [{ clipnorm: limit }, { globalClipnorm: limit }, { clipvalue: limit }]) {
      const mine = ours([1], { learningRate: 1, ...options });
      mine.step([3]);
      expect(mine.w[0]).toBe(-2);
    }
  });
});

describe('with gradient accumulation', () => {
  const micro = [1, 2, 3, 4, 5, 6];

  it('an average moves once for each update in PyTorch, so that gradients are added up by hand', () => {
    const theirs = torch([1], { lr: 0.1 });
    let average = Number.NaN;
    const mine = ours([1], { learningRate: 0.1, useEma: true, emaMomentum: 0.5 });
    const inside = ours([1], { learningRate: 0.1, useEma: true, emaMomentum: 0.5, gradientAccumulationSteps: 2 });
    for (let i = 0; i < micro.length; i += 2) {
      const mean = (micro[i]! + micro[i + 1]!) / 2;
      theirs.step([mean]);
      average = i === 0 ? theirs.w[0]! : 0.5 * average + 0.5 * theirs.w[0]!;
      mine.step([mean]);
      inside.step([micro[i]!]);
      inside.step([micro[i + 1]!]);
    }
    expectClose([...theirs.w, average], [-0.05000000819563866, 0.3125]); // PyTorch, AveragedModel
    expectClose(mine.w, theirs.w);
    expectClose(inside.w, theirs.w);
    for (const { optimizer } of [mine, inside]) optimizer.finalizeVariableValues();
    expectClose(mine.w, [average]);
    expect(Math.abs(inside.w[0]! - average)).toBeGreaterThan(0.01);
  });

  it('a scheduler is stepped once for each update in PyTorch, a schedule counts micro-batches', () => {
    const schedule = new ExponentialDecay({ initialLearningRate: 1, decaySteps: 2, decayRate: 0.5, staircase: true });
    const run = (learningRate: SGDOptions['learningRate']): number[] => {
      const mine = ours([1], { learningRate: learningRate!, gradientAccumulationSteps: 2 });
      return Array.from({ length: 12 }, () => {
        const before = mine.w[0]!;
        mine.step([1]);
        return before - mine.w[0]!;
      }).filter((_, i) => i % 2 === 1);
    };
    const theirs = [1, 1, 0.5, 0.5, 0.25, 0.25]; // PyTorch, StepLR(2, 0.5)
    expect(run(schedule)).not.toEqual(theirs);
    // steps counted in micro-batches: the same for a staircase, which is asked in the last one of each update
    const longer = new ExponentialDecay({ initialLearningRate: 1, decaySteps: 4, decayRate: 0.5, staircase: true });
    expect(run(longer)).toEqual(theirs);
    // MultiStepLR([2, 4], 0.5)
    expect(run(new PiecewiseConstantDecay({ boundaries: [2 * 2 - 1, 4 * 2 - 1], values: [1, 0.5, 0.25] }))).toEqual(
      theirs,
    );
  });

  it('a schedule that is asked with updates gives the rates of the scheduler, whatever its form', () => {
    const schedule = new CosineDecay({ initialLearningRate: 1, decaySteps: 6 });
    const w = f32(1);
    const learningRate = (): number => schedule.call(optimizer.iterations);
    const optimizer = new SGD({ learningRate, gradientAccumulationSteps: 2 }, cpu());
    optimizer.build({ w });
    for (let update = 0; update < 6; update++) {
      const before = w[0]!;
      for (let i = 0; i < 2; i++) optimizer.apply({ w: f32(1) });
      expect(before - w[0]!).toBeCloseTo((1 + Math.cos((Math.PI * update) / 6)) / 2, 6);
    }
  });
});

describe('dampening', () => {
  it('without momentum does nothing in PyTorch', () => {
    const theirs = torch([1], { lr: 0.1, dampening: 0.5 });
    theirs.step(slope(theirs.w));
    expectClose(theirs.w, [0.800000011920929]); // PyTorch
    const mine = ours([1], { learningRate: 0.1 });
    mine.step(slope(mine.w));
    expectClose(mine.w, theirs.w);
  });

  it('with momentum is a smaller rate and a larger first gradient', () => {
    const theirs = torch([1, 2], { lr: 0.1, momentum: 0.9, dampening: 0.5 });
    const mine = ours([1, 2], { learningRate: 0.1 * (1 - 0.5), momentum: 0.9 });
    for (let i = 0; i < 10; i++) {
      theirs.step(slope(theirs.w));
      mine.step(slope(mine.w).map((g) => (i === 0 ? g / (1 - 0.5) : g)));
    }
    expectClose(mine.w, theirs.w);
  });
});

describe('what only one of the two refuses', () => {
  const code = (options: SGDOptions): string | undefined => {
    try {
      new SGD(options, cpu());
      return undefined;
    } catch (error) {
      return (error as SgdError).code;
    }
  };

  it.each<[string, SGDOptions]>([
    ['lr < 0', { learningRate: -1 }],
    ['weight_decay < 0', { weightDecay: -0.1 }],
    ['nesterov without momentum', { nesterov: true }],
  ])('PyTorch refuses %s', (_name, options) => {
    expect(code(options)).toBeUndefined();
  });

  it('a rate below 0 goes uphill, a decay below 0 grows, and Nesterov without momentum is plain descent', () => {
    const mine = ours([1], { learningRate: -1, nesterov: true });
    mine.step([0.5]);
    expect(mine.w[0]).toBe(1.5);
    const grows = ours([1], { learningRate: 1, weightDecay: -0.5 });
    grows.step([0]);
    expect(grows.w[0]).toBe(1.5);
  });

  it.each<[string, () => unknown]>([
    ['momentum > 1', () => new SGD({ momentum: 1.5 }, cpu())],
    [
      'a parameter twice',
      () => {
        const w = f32(1);
        new SGD({}, cpu()).build([w, w]);
      },
    ],
    ['a step without any gradient', () => ours([1], {}).optimizer.apply({ w: null })],
    ['restarts of no length', () => new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 0 })],
  ])('here refuses %s', (_name, call) => {
    expect(call).toThrow(SgdError);
  });

  it('restarts that grow by a fraction, and rates that rise, are taken', () => {
    const restarts = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 4, tMul: 1.5 });
    expect(restarts.call(4)).toBeCloseTo(1, 5);
    const shrinking = new CosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 4, tMul: 0.5 });
    expect(shrinking.call(9)).toBeNaN(); // 4 / (1 - 0.5) steps are all
    const rising = new ExponentialDecay({ initialLearningRate: 1, decaySteps: 1, decayRate: 2 });
    expect(rising.call(3)).toBe(8);
  });
});
