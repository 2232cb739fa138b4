import { SGD } from '@sgd/core';
import { gpujs, type GpuTexture } from '@sgd/gpujs';
import type { GPU } from 'gpu.js';
import { CLASSES, type Digits, PIXELS } from './data.ts';
import { makeKernels, type Values } from './kernels.ts';

/** What {@link train} takes. */
export interface Options {
  readonly hidden: number;
  /** Images of a step. */
  readonly batch: number;
  readonly steps: number;
  /** The loss is read, the one thing that is, after so many steps; 0: never. */
  readonly show: number;
  /** Called with the mean loss of a batch. */
  readonly shown?: (step: number, loss: number) => void;
}

/** The trained network. */
export interface Trained {
  /** Share of digits that are recognised. */
  accuracy(digits: Digits): number;
  /** Frees all that the training put on the device. */
  dispose(): void;
}

const free = (...values: readonly Values[]): void => {
  for (const value of values) (value as Partial<GpuTexture>).delete?.();
};

/** Numbers in arrays, of a texture or of what is one already. */
const numbers = (values: Values): unknown => (values as Partial<GpuTexture>).toArray?.() ?? values;

/** Weights between -limit and limit, always the same. */
function weights(count: number, limit: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = Math.imul(state, 1664525) + 1013904223;
    return ((state >>> 8) / 2 ** 23 - 1) * limit;
  });
}

/** Trains a network of two layers. Images, weights, gradients and slots are on the device; a step reads nothing and uploads nothing. */
export function train(gpu: GPU, digits: Digits, { hidden, batch, steps, show, shown }: Options): Trained {
  const engine = gpujs({ gpu });
  const kernels = makeKernels(gpu, { pixels: PIXELS, hidden, classes: CLASSES, batch });
  const images = engine.variable({ data: digits.images, shape: [digits.count, PIXELS] });
  const labels = engine.variable({ data: digits.labels, shape: [digits.count] });
  const glorot = (inputs: number, outputs: number): Values => {
    const data = weights(inputs * outputs, Math.sqrt(6 / (inputs + outputs)));
    return engine.variable({ data, shape: [inputs, outputs] });
  };
  const zeros = (count: number): Values => engine.variable({ data: new Float32Array(count), shape: [count] });

  const optimizer = new SGD({ learningRate: 0.1, momentum: 0.9, nesterov: true, globalClipnorm: 1 }, engine);
  optimizer.build({
    'hidden/kernel': glorot(PIXELS, hidden),
    'hidden/bias': zeros(hidden),
    'output/kernel': glorot(hidden, CLASSES),
    'output/bias': zeros(CLASSES),
  });
  const forward = (from: number): { values: Values; scores: Values } => {
    // the current weights, of which kernels index w[y][x]; each step replaces them
    const [w1, b1, w2, b2] = optimizer.trainableVariables as [Values, Values, Values, Values];
    const values = kernels.hidden(images, from, w1, b1);
    return { values, scores: kernels.scores(values, w2, b2) };
  };

  for (let step = 1; step <= steps; step++) {
    const from = ((step - 1) * batch) % (digits.count - batch + 1);
    const { values, scores } = forward(from);
    const scoresGradient = kernels.scoresGradient(scores, labels, from);
    const hiddenGradient = kernels.hiddenGradient(scoresGradient, optimizer.trainableVariable('output/kernel'), values);
    const gradients = {
      'hidden/kernel': kernels.hiddenKernelGradient(images, from, hiddenGradient),
      'hidden/bias': kernels.hiddenBiasGradient(hiddenGradient),
      'output/kernel': kernels.outputKernelGradient(values, scoresGradient),
      'output/bias': kernels.outputBiasGradient(scoresGradient),
    };
    optimizer.apply(gradients);
    if (show > 0 && step % show === 0) {
      const losses = kernels.losses(scores, labels, from);
      const all = numbers(losses) as Float32Array;
      shown?.(step, all.reduce((a, b) => a + b, 0) / batch);
      free(losses);
    }
    free(values, scores, scoresGradient, hiddenGradient, ...Object.values(gradients));
  }
  return {
    accuracy(test) {
      const own = makeKernels(gpu, { pixels: PIXELS, hidden, classes: CLASSES, batch: test.count });
      const [w1, b1, w2, b2] = optimizer.trainableVariables as [Values, Values, Values, Values];
      const pictures = engine.gradient({ data: test.images, shape: [test.count, PIXELS] });
      const values = own.hidden(pictures, 0, w1, b1);
      const scores = own.scores(values, w2, b2);
      const rows = numbers(scores) as Float32Array[];
      free(pictures, values, scores);
      const right = rows.filter((row, i) => row.indexOf(Math.max(...row)) === test.labels[i]);
      return right.length / test.count;
    },
    dispose() {
      const last = optimizer.trainableVariables as readonly Values[];
      optimizer.dispose();
      free(images, labels, ...last);
    },
  };
}
