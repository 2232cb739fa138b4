import {
  type Backend,
  defineOptimizer,
  type FloatArray,
  type Measured,
  type Mode,
  type OptimizerClass,
  type OptimizerOptions,
} from '@sgd/core';
import { numbers } from './arbitraries.ts';

// Optimizers that are not SGD, for engines: what they share with no other is left to the engines to get right.

/** Two slots, square roots, and powers of numbers that change with each update. */
export const AdamLike: OptimizerClass<{ beta1: number; beta2: number; epsilon: number }> = defineOptimizer({
  className: 'AdamLike',
  options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  learningRate: 0.01,
  rule: {
    slots: () => [{ name: 'm' }, { name: 'v' }],
    update(o, { beta1, beta2, epsilon }, { x, g, m, v }, { learningRate, updateCount }) {
      const one = o.constant(1);
      const left = (beta: number): typeof one => o.sub(one, o.pow(o.constant(beta), updateCount));
      const alpha = o.div(o.mul(learningRate, o.sqrt(left(beta2))), left(beta1));
      const nextM = o.add(m, o.mul(o.sub(g, m), o.constant(1 - beta1)));
      const nextV = o.add(v, o.mul(o.sub(o.mul(g, g), v), o.constant(1 - beta2)));
      const move = o.div(o.mul(nextM, alpha), o.add(o.sqrt(nextV), o.constant(epsilon)));
      return { x: o.sub(x, move), m: nextM, v: nextV };
    },
  },
});

/** Sums of sums within the rule, powers of tensors, and a slot that does not start at zero. */
export const TrustPower: OptimizerClass<{ power: number; decay: number }> = defineOptimizer({
  className: 'TrustPower',
  options: { power: 0.3, decay: 0.9 },
  learningRate: 0.01,
  rule: {
    scalars: ['decay'],
    slots: () => [{ name: 'accumulator', initial: 0.1 }],
    update(o, { power }, { x, g, accumulator }, { learningRate, decay }) {
      const next = o.add(o.mul(accumulator, decay), o.mul(g, g));
      const scaled = o.div(g, o.pow(next, o.constant(power)));
      const length = o.max(o.sqrt(o.sum(o.mul(scaled, scaled))), o.constant(1e-3));
      const direction = o.div(scaled, length);
      const reach = o.sum(o.abs(direction));
      const size = o.sqrt(o.sum(o.mul(x, x)));
      const trust = o.div(o.select(size, size, o.constant(1)), reach);
      const move = o.mul(o.add(direction, o.mul(o.sign(g), o.constant(0.01))), o.mul(trust, learningRate));
      return { x: o.sub(x, move), accumulator: next };
    },
  },
});

/** What surrounds the rule. */
export const SURROUNDINGS: readonly OptimizerOptions[] = [
  {},
  { clipnorm: 0.5, weightDecay: 0.01 },
  {
    globalClipnorm: 0.5,
    weightDecay: 0.01,
    useEma: true,
    emaOverwriteFrequency: 2,
    gradientAccumulationSteps: 2,
    lossScaleFactor: 8,
  },
];

const SHAPES = [[37], [3, 5], [1], [1031], [0]];

/** Variables and slots after some steps, in the last of which a variable has no gradient. */
export async function trained<V, G, M extends Mode>(
  Optimizer: typeof AdamLike | typeof TrustPower,
  options: OptimizerOptions,
  backend: Backend<V, G, M>,
): Promise<{ readonly tensors: Readonly<Record<string, FloatArray>>; readonly measured: Measured }> {
  const sizes = SHAPES.map((shape) => shape.reduce((product, n) => product * n, 1));
  const variables = SHAPES.map((shape, i) =>
    backend.variable({ data: numbers(i, sizes[i]!, 'float32', 0), shape, name: `v${i}` }),
  );
  const optimizer = new Optimizer(options, backend, {
    measure: ['gradient-norm', 'update-norm'],
    onWarning: () => {},
  });
  await optimizer.build(Object.fromEntries(variables.map((variable, i) => [`v${i}`, variable])));
  for (let step = 1; step <= 6; step++) {
    const gradients = SHAPES.map((shape, i) =>
      backend.gradient({ data: numbers(100 * step + i, sizes[i]!, 'float32', 0), shape }),
    );
    await optimizer.apply(gradients.map((gradient, i) => (step === 6 && i === 1 ? null : gradient)));
    for (const gradient of gradients) backend.free(gradient);
  }
  const tensors: Record<string, FloatArray> = {};
  for (const i of SHAPES.keys()) tensors[`v${i}`] = await optimizer.read(`v${i}`);
  for (const [path, slots] of Object.entries((await optimizer.getState()).slots))
    for (const [slot, values] of Object.entries(slots)) tensors[`${path}: ${slot}`] = values;
  const measured = await optimizer.measured();
  await optimizer.dispose();
  for (const variable of variables) backend.free(variable);
  return { tensors, measured };
}
