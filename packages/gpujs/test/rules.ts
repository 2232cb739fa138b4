import { type Backend, defineOptimizer, type Mode } from '@sgd/core';

/** A rule with two slots, square roots, and powers of numbers. */
export const Adam = defineOptimizer({
  className: 'TestAdam',
  options: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  learningRate: 0.01,
  rule: {
    scalars: ['beta1'],
    slots: () => [{ name: 'm' }, { name: 'v', initial: 0.25 }],
    update(o, { beta2, epsilon }, { x, g, m, v }, { learningRate, updateCount, beta1 }) {
      const one = o.constant(1);
      const correction = o.sqrt(o.sub(one, o.pow(o.constant(beta2), updateCount)));
      const rate = o.div(o.mul(learningRate, correction), o.sub(one, o.pow(beta1, updateCount)));
      const nextM = o.add(m, o.mul(o.sub(g, m), o.sub(one, beta1)));
      const nextV = o.add(v, o.mul(o.sub(o.mul(g, g), v), o.constant(1 - beta2)));
      const change = o.div(o.mul(nextM, rate), o.add(o.sqrt(nextV), o.constant(epsilon)));
      return { x: o.sub(x, change), m: nextM, v: nextV };
    },
  },
});

/** A rule with sums, one of which needs the other; signs, choices, limits; and a slot that takes what another was. */
export const Summing = defineOptimizer({
  className: 'TestSumming',
  learningRate: 0.01,
  rule: {
    slots: () => [{ name: 'last' }, { name: 'before' }, { name: 'norm' }],
    update(o, _config, { x, g, last }, { learningRate }) {
      const norm = o.sqrt(o.sum(o.mul(g, g)));
      const unit = o.div(g, o.max(norm, o.constant(1e-6)));
      const size = o.sum(o.abs(o.sub(unit, last)));
      const ratio = o.select(size, o.div(o.sqrt(o.sum(o.mul(x, x))), size), o.constant(1));
      const change = o.mul(o.add(unit, o.sign(o.min(x, o.neg(last)))), o.mul(ratio, learningRate));
      return { x: o.sub(x, change), last: unit, before: last, norm };
    },
  },
});

/** A rule with powers of elements. */
export const Powering = defineOptimizer({
  className: 'TestPowering',
  learningRate: 0.01,
  rule: {
    slots: () => [{ name: 'squares', initial: 0.1 }],
    update(o, _config, { x, g, squares }, { learningRate }) {
      const next = o.add(squares, o.mul(g, g));
      return { x: o.sub(x, o.mul(o.mul(g, o.pow(next, o.constant(-0.4))), learningRate)), squares: next };
    },
  },
});

/** Variables of several sizes, one without elements, by name. */
const shapes: Readonly<Record<string, readonly number[]>> = { flat: [300], wide: [5, 7], none: [0], one: [] };

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** Takes steps with every option around a rule; gives all that is kept. */
export async function train<M extends Mode>(
  Optimizer: typeof Adam | typeof Powering,
  engine: Backend<never, never, M>,
  options: object = {},
): Promise<Record<string, number[]>> {
  const optimizer = new (Optimizer as typeof Powering)(options, engine, { measure: ['gradient-norm', 'update-norm'] });
  const values = (seed: number): Record<string, never> =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => {
        const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) =>
          Math.fround(Math.sin(i * 0.7 + seed) + 0.1),
        );
        return [name, engine.variable({ data, shape, name }) as never];
      }),
    );
  await optimizer.build(values(0));
  for (let step = 1; step <= 6; step++) {
    const { one, ...most } = values(step);
    await optimizer.apply(step % 3 === 0 ? most : { one: one!, ...most });
  }
  const variables = (await optimizer.readAll()) as Record<string, Float32Array>;
  const { slots } = (await optimizer.getState()) as unknown as { slots: Record<string, Record<string, Float32Array>> };
  const measured = await optimizer.measured();
  await optimizer.dispose();
  const all = Object.entries(variables).map(([path, array]) => [path, Array.from(array)] as const);
  const kept = Object.entries(slots).flatMap(([path, named]) =>
    Object.entries(named).map(([slot, array]) => [`${path} ${slot}`, Array.from(array)] as const),
  );
  return Object.fromEntries([...all, ...kept, ['measured', Object.values(measured)]]) as Record<string, number[]>;
}
