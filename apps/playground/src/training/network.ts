import { CLASSES, type ModelName, type Values, weightShapes } from '@sgd/digits';
import type { SparseImages } from './images.ts';

/** Weights or gradients by path, in float32. */
export type Float32Values = Values<Float32Array>;

/** What one batch gives: the mean loss, how many images were recognised, and the gradients of the loss times the scale. */
export interface BatchResult {
  readonly loss: number;
  readonly correct: number;
  /** The same arrays at each call. */
  readonly gradients: Float32Values;
}

/**
 * The classifier: 784-128-10 with relu, or 784-10, and its backward pass. Plain loops over typed arrays whose innermost one runs
 * along a row of a kernel; pixels that are 0 are left out. Sums are kept in float32, so the same weights and images give the
 * same bits wherever `Math.exp` does.
 */
export class Network {
  readonly #hidden: number;
  readonly #gradients: Float32Values;
  readonly #activations: Float64Array;
  readonly #back: Float64Array;
  readonly #scores = new Float64Array(CLASSES);

  constructor(model: ModelName) {
    const shapes = Object.entries(weightShapes(model));
    const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
    this.#gradients = Object.fromEntries(shapes.map(([path, shape]) => [path, new Float32Array(size(shape))]));
    this.#hidden = this.#gradients['hidden/bias']?.length ?? 0;
    this.#activations = new Float64Array(this.#hidden);
    this.#back = new Float64Array(this.#hidden);
  }

  /** Mean cross-entropy of the images at `indices`, and the gradients of `scale` times that. */
  gradients(
    weights: Float32Values,
    images: SparseImages,
    labels: Uint8Array,
    indices: Int32Array,
    scale: number,
  ): BatchResult {
    for (const gradient of Object.values(this.#gradients)) gradient.fill(0);
    let loss = 0;
    let correct = 0;
    for (const image of indices) {
      const label = labels[image]!;
      if (this.#forward(weights, images, image) === label) correct++;
      loss += this.#softmax(label);
      this.#scores[label]! -= 1;
      for (let i = 0; i < CLASSES; i++) this.#scores[i]! *= scale / indices.length;
      this.#backward(weights, images, image);
    }
    return { loss: loss / indices.length, correct, gradients: this.#gradients };
  }

  /** How many of the images at `indices` are recognised. */
  correct(weights: Float32Values, images: SparseImages, labels: Uint8Array, indices: Int32Array): number {
    let count = 0;
    for (const image of indices) if (this.#forward(weights, images, image) === labels[image]) count++;
    return count;
  }

  /** The probabilities of the ten digits for one image. */
  probabilities(weights: Float32Values, images: SparseImages, image: number): Float32Array {
    this.#forward(weights, images, image);
    this.#softmax(0);
    return Float32Array.from(this.#scores);
  }

  /** Computes the scores; gives the digit of the highest. */
  #forward(weights: Float32Values, images: SparseImages, image: number): number {
    const scores = this.#scores;
    const kernel = weights['output/kernel']!;
    scores.set(weights['output/bias']!);
    if (this.#hidden === 0) {
      addRows(scores, kernel, images, image);
    } else {
      const hidden = this.#activations;
      hidden.set(weights['hidden/bias']!);
      addRows(hidden, weights['hidden/kernel']!, images, image);
      for (let j = 0; j < hidden.length; j++) {
        const value = hidden[j]!;
        // relu; NaN stays, so that a training that went wrong shows it
        if (value <= 0) hidden[j] = 0;
        else for (let i = 0, at = j * CLASSES; i < CLASSES; i++) scores[i]! += value * kernel[at + i]!;
      }
    }
    let best = 0;
    for (let i = 1; i < CLASSES; i++) if (scores[i]! > scores[best]!) best = i;
    return best;
  }

  /** Turns the scores into probabilities; gives the cross-entropy with the label. */
  #softmax(label: number): number {
    const scores = this.#scores;
    let most = -Infinity;
    for (const score of scores) most = Math.max(most, score); // NaN wins
    const own = scores[label]!;
    let sum = 0;
    for (let i = 0; i < CLASSES; i++) sum += scores[i] = Math.exp(scores[i]! - most);
    for (let i = 0; i < CLASSES; i++) scores[i]! /= sum;
    return Math.log(sum) + most - own;
  }

  /** Adds to the gradients what one image gives; the scores hold the loss by the scores. */
  #backward(weights: Float32Values, images: SparseImages, image: number): void {
    const scores = this.#scores;
    const gradients = this.#gradients;
    const output = gradients['output/kernel']!;
    const bias = gradients['output/bias']!;
    for (let i = 0; i < CLASSES; i++) bias[i]! += scores[i]!;
    if (this.#hidden === 0) {
      addToRows(output, scores, images, image);
      return;
    }
    const kernel = weights['output/kernel']!;
    const hidden = this.#activations;
    const hiddenBias = gradients['hidden/bias']!;
    const back = this.#back;
    for (let j = 0; j < hidden.length; j++) {
      const value = hidden[j]!;
      back[j] = 0;
      if (value === 0) continue;
      let sum = 0;
      for (let i = 0, at = j * CLASSES; i < CLASSES; i++) {
        output[at + i]! += value * scores[i]!;
        sum += kernel[at + i]! * scores[i]!;
      }
      back[j] = sum;
      hiddenBias[j]! += sum;
    }
    addToRows(gradients['hidden/kernel']!, back, images, image);
  }
}

/** `target += image · kernel`, four pixels at a time. */
function addRows(target: Float64Array, kernel: Float32Array, images: SparseImages, image: number): void {
  const { starts, pixels, values } = images;
  const width = target.length;
  const end = starts[image + 1]!;
  let entry = starts[image]!;
  for (; entry + 3 < end; entry += 4) {
    const a = pixels[entry]! * width;
    const b = pixels[entry + 1]! * width;
    const c = pixels[entry + 2]! * width;
    const d = pixels[entry + 3]! * width;
    const p = values[entry]!;
    const q = values[entry + 1]!;
    const r = values[entry + 2]!;
    const s = values[entry + 3]!;
    for (let i = 0; i < width; i++) {
      target[i]! += p * kernel[a + i]! + q * kernel[b + i]! + (r * kernel[c + i]! + s * kernel[d + i]!);
    }
  }
  for (; entry < end; entry++) {
    const value = values[entry]!;
    const at = pixels[entry]! * width;
    for (let i = 0; i < width; i++) target[i]! += value * kernel[at + i]!;
  }
}

/** `kernel += imageᵀ · row`. */
function addToRows(kernel: Float32Array, row: Float64Array, images: SparseImages, image: number): void {
  const { starts, pixels, values } = images;
  const width = row.length;
  for (let entry = starts[image]!, end = starts[image + 1]!; entry < end; entry++) {
    const value = values[entry]!;
    const at = pixels[entry]! * width;
    for (let i = 0; i < width; i++) kernel[at + i]! += value * row[i]!;
  }
}
