import { CosineDecay, type FloatArray } from '@sgd/core';
import type { Ort, OrtTensor, TrainingOptions, TrainingSession } from '@sgd/onnxruntime';
import { trainingSession } from '@sgd/onnxruntime';

const PIXELS = 784;
const CLASSES = 10;
const HIDDEN = 64;
const TESTED = 2000;
const BATCH = 64;
const EPOCHS = 6;

/** Numbers from 0 to 1 that a seed fixes. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

/** Trains digits.onnx on all but 2,000 of the digits, given by what they show, and gives the share of these that its exported model knows. */
export async function trainDigits(
  ort: Ort,
  model: Uint8Array,
  digits: readonly (readonly number[])[],
  options: Partial<TrainingOptions> = {},
): Promise<number> {
  const next = random(7);
  const all = digits.flatMap((data, label) =>
    Array.from({ length: data.length / PIXELS }, (_, i) => ({
      label,
      pixels: data.slice(i * PIXELS, (i + 1) * PIXELS),
    })),
  );
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  const images = Float32Array.from(all.flatMap(({ pixels }) => pixels));
  const labels = new Float32Array(all.length * CLASSES);
  all.forEach(({ label }, i) => (labels[i * CLASSES + label] = 1));
  const some = (from: number, to: number): Record<'images' | 'labels', OrtTensor> => ({
    images: new ort.Tensor('float32', images.subarray(from * PIXELS, to * PIXELS), [to - from, PIXELS]),
    labels: new ort.Tensor('float32', labels.subarray(from * CLASSES, to * CLASSES), [to - from, CLASSES]),
  });
  const uniform = (length: number, limit: number): Float32Array =>
    Float32Array.from({ length }, () => (2 * next() - 1) * limit);

  const count = all.length - TESTED;
  const steps = Math.floor(count / BATCH);
  const training = await trainingSession({
    ort,
    model,
    parameters: {
      hidden_weight: uniform(PIXELS * HIDDEN, 0.08),
      hidden_bias: new Float32Array(HIDDEN),
      output_weight: uniform(HIDDEN * CLASSES, 0.25),
      output_bias: new Float32Array(CLASSES),
    },
    loss: 'loss',
    optimizer: {
      learningRate: new CosineDecay({ initialLearningRate: 0.1, decaySteps: steps * EPOCHS }),
      momentum: 0.9,
      nesterov: true,
      weightDecay: 1e-4,
    },
    ...options,
  });
  for (let step = 0; step < steps * EPOCHS; step++) {
    const from = (step % steps) * BATCH;
    await training.step(some(from, from + BATCH));
  }
  const accuracy = await evaluate(ort, training, some(count, all.length), labels.subarray(count * CLASSES));
  await training.dispose();
  return accuracy;
}

async function evaluate(
  ort: Ort,
  training: TrainingSession,
  { images }: Record<'images', OrtTensor>,
  labels: Float32Array,
): Promise<number> {
  const session = await ort.InferenceSession.create(await training.exportModel(), {});
  const { logits } = await session.run({ images }, { logits: null });
  await session.release();
  let right = 0;
  for (let i = 0; i < TESTED; i++) {
    const row = (logits!.data as FloatArray).subarray(i * CLASSES, (i + 1) * CLASSES);
    right += labels[i * CLASSES + row.indexOf(Math.max(...row))]!;
  }
  return right / TESTED;
}
