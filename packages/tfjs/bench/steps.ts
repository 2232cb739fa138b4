import { SGD } from '@sgd/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { copies, distance, numbers, type Row, settle, start, summary } from './timing.ts';

/** What is timed. */
export interface StepOptions {
  readonly engine: string;
  /** Of the one large variable. */
  readonly elements: number;
  readonly samples: number;
}

type Contenders = Readonly<Record<string, () => tf.Optimizer>>;

const MOMENTUM = { learningRate: 0.01, momentum: 0.9 };
const ALL = {
  ...MOMENTUM,
  nesterov: true,
  weightDecay: 0.01,
  globalClipnorm: 1,
  useEma: true,
  gradientAccumulationSteps: 2,
};

/** In each rule the first is what the others are compared with. */
const RULES: Readonly<Record<string, Contenders>> = {
  momentum: {
    'tf.train.momentum': () => tf.train.momentum(MOMENTUM.learningRate, MOMENTUM.momentum),
    '@sgd/tfjs': () => new SGD(MOMENTUM),
  },
  'all options': {
    '@sgd/tfjs, exact: true': () => new SGD(ALL, { exact: true }),
    '@sgd/tfjs': () => new SGD(ALL),
  },
};

/** Steps of a sample, and of the warm-up: an even number, as gradients of two are accumulated. */
const STEPS = 6;

interface Started {
  readonly contender: string;
  readonly step: () => void;
  readonly weights: readonly tf.Variable[];
  readonly dispose: () => void;
}

function begin(contender: string, optimizer: tf.Optimizer, shape: readonly number[], count: number): Started {
  const size = tf.util.sizeFromShape([...shape]);
  const filled = (seed: number): tf.Tensor => tf.tensor(numbers(seed, size), [...shape]);
  const weights = Array.from({ length: count }, (_, i) => tf.tidy(() => tf.variable(filled(2 * i + 1))));
  const gradients = weights.map(({ name }, i) => ({ name, tensor: filled(2 * i + 2) }));
  return {
    contender,
    step: () => optimizer.applyGradients(gradients),
    weights,
    dispose() {
      optimizer.dispose();
      tf.dispose([weights, gradients.map(({ tensor }) => tensor)]);
    },
  };
}

async function timed({ step, weights }: Started): Promise<number> {
  const last = weights.at(-1)!;
  await settle(last);
  const before = performance.now();
  for (let i = 0; i < STEPS; i++) step();
  await settle(last);
  return (performance.now() - before) / STEPS;
}

/** Steps with given gradients. Contenders take turns, so that what slows the machine for a while slows all of them. */
export async function measureSteps({ engine, elements, samples }: StepOptions): Promise<Row[]> {
  await start(engine);
  const rows: Row[] = [];
  for (const [rule, contenders] of Object.entries(RULES)) {
    for (const [shape, count] of [[[16, 16], 200] as const, [[elements], 1] as const]) {
      const started = Object.entries(contenders).map(([name, make]) => begin(name, make(), shape, count));
      for (const each of started) await timed(each);
      const weights = await Promise.all(started.map((each) => copies(each.weights)));
      for (const each of started) await timed(each);
      const times = started.map((): number[] => []);
      for (let sample = 0; sample < samples; sample++) {
        for (const [i, each] of started.entries()) times[i]!.push(await timed(each));
      }
      const what = `${rule}, ${count === 1 ? elements : `${count} of ${shape.join('x')}`}`;
      started.forEach(({ contender }, i) => {
        const difference = distance(weights[i]!, weights[0]!);
        rows.push({ engine, what, contender, ...summary(times[i]!), difference });
      });
      for (const each of started) each.dispose();
      console.log(`${engine}: ${what}`);
    }
  }
  return rows;
}
