import type { GpuVariable } from '@sgd/gpujs';
import type { GPU } from 'gpu.js';

/** What a kernel takes and returns: a texture, or rows of numbers in the modes that have no textures. */
export type Values = GpuVariable;

/** How large everything is. */
export interface Sizes {
  readonly pixels: number;
  readonly hidden: number;
  readonly classes: number;
  readonly batch: number;
}

/** One kernel for each quantity of a two-layer network. `from` is the first image of the batch. */
export interface Kernels {
  hidden(images: Values, from: number, kernel: Values, bias: Values): Values;
  scores(hidden: Values, kernel: Values, bias: Values): Values;
  /** The gradient of the loss by the scores: (softmax - truth) / batch. */
  scoresGradient(scores: Values, labels: Values, from: number): Values;
  outputKernelGradient(hidden: Values, scoresGradient: Values): Values;
  outputBiasGradient(scoresGradient: Values): Values;
  hiddenGradient(scoresGradient: Values, kernel: Values, hidden: Values): Values;
  hiddenKernelGradient(images: Values, from: number, hiddenGradient: Values): Values;
  hiddenBiasGradient(hiddenGradient: Values): Values;
  /** The cross-entropy of each image. */
  losses(scores: Values, labels: Values, from: number): Values;
}

// As text, not as functions: gpu.js reads the text of functions, and minifiers change it.
const SOURCES: Readonly<Record<keyof Kernels, string>> = {
  hidden: `function(images, from, kernel, bias) {
    let sum = bias[this.thread.x];
    for (let i = 0; i < this.constants.pixels; i++) sum += images[from + this.thread.y][i] * kernel[i][this.thread.x];
    return Math.max(sum, 0);
  }`,
  scores: `function(hidden, kernel, bias) {
    let sum = bias[this.thread.x];
    for (let i = 0; i < this.constants.hidden; i++) sum += hidden[this.thread.y][i] * kernel[i][this.thread.x];
    return sum;
  }`,
  scoresGradient: `function(scores, labels, from) {
    let most = scores[this.thread.y][0];
    for (let i = 1; i < this.constants.classes; i++) most = Math.max(most, scores[this.thread.y][i]);
    let sum = 0;
    for (let i = 0; i < this.constants.classes; i++) sum += Math.exp(scores[this.thread.y][i] - most);
    let gradient = Math.exp(scores[this.thread.y][this.thread.x] - most) / sum;
    if (Math.abs(labels[from + this.thread.y] - this.thread.x) < 0.5) gradient -= 1;
    return gradient / this.constants.batch;
  }`,
  outputKernelGradient: `function(hidden, gradient) {
    let sum = 0;
    for (let i = 0; i < this.constants.batch; i++) sum += hidden[i][this.thread.y] * gradient[i][this.thread.x];
    return sum;
  }`,
  outputBiasGradient: `function(gradient) {
    let sum = 0;
    for (let i = 0; i < this.constants.batch; i++) sum += gradient[i][this.thread.x];
    return sum;
  }`,
  hiddenGradient: `function(gradient, kernel, hidden) {
    let sum = 0;
    for (let i = 0; i < this.constants.classes; i++) sum += gradient[this.thread.y][i] * kernel[this.thread.x][i];
    if (hidden[this.thread.y][this.thread.x] <= 0) sum = 0;
    return sum;
  }`,
  hiddenKernelGradient: `function(images, from, gradient) {
    let sum = 0;
    for (let i = 0; i < this.constants.batch; i++) sum += images[from + i][this.thread.y] * gradient[i][this.thread.x];
    return sum;
  }`,
  hiddenBiasGradient: `function(gradient) {
    let sum = 0;
    for (let i = 0; i < this.constants.batch; i++) sum += gradient[i][this.thread.x];
    return sum;
  }`,
  losses: `function(scores, labels, from) {
    let most = scores[this.thread.x][0];
    for (let i = 1; i < this.constants.classes; i++) most = Math.max(most, scores[this.thread.x][i]);
    let sum = 0;
    let own = 0;
    for (let i = 0; i < this.constants.classes; i++) {
      sum += Math.exp(scores[this.thread.x][i] - most);
      if (Math.abs(labels[from + this.thread.x] - i) < 0.5) own = scores[this.thread.x][i];
    }
    return Math.log(sum) + most - own;
  }`,
};

/** Makes the kernels of a network. Results stay on the device. */
export function makeKernels(gpu: GPU, sizes: Sizes): Kernels {
  const { pixels, hidden, classes, batch } = sizes;
  const outputs: Readonly<Record<keyof Kernels, readonly number[]>> = {
    hidden: [hidden, batch],
    scores: [classes, batch],
    scoresGradient: [classes, batch],
    outputKernelGradient: [classes, hidden],
    outputBiasGradient: [classes],
    hiddenGradient: [hidden, batch],
    hiddenKernelGradient: [hidden, pixels],
    hiddenBiasGradient: [hidden],
    losses: [batch],
  };
  const entries = Object.entries(SOURCES).map(([name, source]) => [
    name,
    gpu.createKernel(source, {
      output: [...outputs[name as keyof Kernels]],
      constants: { ...sizes },
      pipeline: true,
      immutable: true, // each result is a texture of its own
      precision: 'single',
      tactic: 'precision',
    }),
  ]);
  return Object.fromEntries(entries) as Kernels;
}
