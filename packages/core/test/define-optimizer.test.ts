import { defineOptimizer, type FloatArray, LossScaleOptimizer, type OptimizerClass, SGD } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectRefusal, f32, later } from './helpers.ts';

/** SGD's rule as a user writes it. */
const Momentum: OptimizerClass<{ momentum: number; nesterov: boolean }> = defineOptimizer({
  className: 'MyMomentum',
  options: { momentum: { default: 0.5, minimum: 0, maximum: 1 }, nesterov: false },
  learningRate: 0.25,
  rule: {
    scalars: ['momentum'],
    slots: () => [{ name: 'velocity' }],
    update(o, { nesterov }, { x, g, velocity }, { learningRate, momentum }) {
      const step = o.mul(g, learningRate);
      const next = o.sub(o.mul(velocity, momentum), step);
      return { x: o.add(x, nesterov ? o.sub(o.mul(next, momentum), step) : next), velocity: next };
    },
  },
});

/** Three steps of an optimizer over three variables. */
function trained(make: (extras: object) => unknown) {
  const weights = { 'a/w': f32(1, -2, 3), b: f32(0.5), c: f32(7) };
  const optimizer = make({ onWarning() {} }) as SGD<FloatArray, FloatArray, 'sync'>;
  optimizer.build(weights);
  for (const g of [1, -3, 0.1]) optimizer.apply({ 'a/w': f32(g, g / 3, -g), b: f32(g * 7), c: null });
  return { weights, optimizer };
}

describe('an optimizer of a rule', () => {
  it('has its name, options, defaults and config', () => {
    expect(Momentum.name).toBe('MyMomentum');
    const optimizer = new Momentum({ nesterov: true }, cpu());
    expect(optimizer).toMatchObject({ className: 'MyMomentum', name: 'my_momentum', built: false });
    expect(optimizer.getConfig()).toMatchObject({ learningRate: 0.25, momentum: 0.5, nesterov: true, clipnorm: null });
    const copy = Momentum.fromConfig(optimizer.getConfig(), cpu());
    expect(copy.getConfig()).toEqual(optimizer.getConfig());
  });

  it('that is SGD takes the same steps, whatever is around it', () => {
    const options = fc.record({
      learningRate: fc.double({ min: 0, max: 2, noNaN: true }),
      momentum: fc.double({ min: 0.1, max: 1, noNaN: true }),
      nesterov: fc.boolean(),
      weightDecay: fc.constantFrom(null, 0.01),
      clipnorm: fc.constantFrom(null, 0.5),
      useEma: fc.boolean(),
      emaOverwriteFrequency: fc.constantFrom(null, 2),
      gradientAccumulationSteps: fc.constantFrom(null, 2),
      lossScaleFactor: fc.constantFrom(null, 8),
    });
    fc.assert(
      fc.property(options, fc.boolean(), (given, wraps) => {
        const inner = wraps ? { ...given, lossScaleFactor: null } : given;
        const of = (Optimizer: typeof SGD) =>
          trained((extras) => {
            const optimizer = new Optimizer(inner, cpu(), {
              groups: [{ paths: ['b'], momentum: 0.75, weightDecay: 0.5 }],
              ...extras,
            });
            return wraps ? new LossScaleOptimizer(optimizer) : optimizer;
          }).weights;
        expect(of(Momentum as never)).toEqual(of(SGD));
      }),
      { numRuns: 50 },
    );
  });

  it('saves slots under their names, and goes on from them', async () => {
    const { optimizer, weights } = trained((extras) => new Momentum({}, cpu(), extras));
    const state = await optimizer.getState();
    expect(state).toMatchObject({ format: 'sgd-state/2', config: { className: 'MyMomentum' }, iterations: 3 });
    expect(Object.keys(state.slots.b!)).toEqual(['velocity']);
    expect(optimizer.variables.map(({ path }) => path)).toContain('my_momentum/b_velocity');
    const other = new Momentum({}, cpu());
    const copies = { 'a/w': weights['a/w'].slice(), b: weights.b.slice(), c: weights.c.slice() };
    other.build(copies);
    await other.setState(state);
    for (const each of [optimizer, other]) each.apply([f32(1, 2, 3), f32(4), f32(5)]);
    expect(copies).toEqual(weights);
  });

  it('refuses the state of another', async () => {
    const sgd = trained((extras) => new SGD({ momentum: 0.5 }, cpu(), extras)).optimizer;
    const own = new Momentum({}, cpu());
    own.build({ 'a/w': f32(1, 1, 1), b: f32(1), c: f32(1) });
    const state = await sgd.getState();
    await expect(own.setState(state)).rejects.toThrow(/velocity/);
  });

  it('starts slots at their first values', async () => {
    const Ones = defineOptimizer({
      className: 'Ones',
      rule: {
        slots: () => [{ name: 'sum', initial: 1 }],
        update: (o, _, { x, g, sum }, { learningRate }) => {
          const next = o.add(sum, o.mul(g, g));
          return { x: o.sub(x, o.div(o.mul(g, learningRate), o.sqrt(next))), sum: next };
        },
      },
    });
    const x = f32(1);
    const optimizer = new Ones({ learningRate: 1 }, cpu());
    optimizer.build({ x });
    optimizer.apply([f32(Math.sqrt(3))]);
    expect((await optimizer.getState()).slots.x!.sum![0]).toBeCloseTo(4, 6);
    expect(x[0]).toBeCloseTo(1 - Math.sqrt(3) / 2, 6);
  });

  it('knows which update it is: dropped and accumulating steps do not count', () => {
    const Counting = defineOptimizer({
      className: 'Counting',
      rule: {
        slots: () => [],
        update: (o, _, { x }, { updateCount }) => ({ x: o.add(o.mul(x, o.constant(0)), updateCount) }),
      },
    });
    const x = f32(0);
    const optimizer = new Counting({ gradientAccumulationSteps: 2 }, cpu(), { nonFinite: 'skip' });
    optimizer.build({ x });
    const seen = [1, 1, NaN, 1, 1, 1].map((g) => (optimizer.apply([f32(g)]), x[0]));
    expect(seen).toEqual([0, 1, 1, 1, 2, 2]);
  });

  it('works on engines whose calls are answered later', async () => {
    const x = f32(1, 2);
    const optimizer = new Momentum({}, later());
    await optimizer.build({ x });
    await optimizer.apply([f32(1, 1)]);
    expect([...x]).toEqual([0.75, 1.75]);
  });
});

/** What is refused when an optimizer of the rule is built; nothing was opened then. */
function built(rule: object, options: object = {}, supports = cpu().supports): () => unknown {
  const Optimizer = defineOptimizer({ className: 'Wrong', options, rule } as never);
  const inner = cpu();
  const open = (): never => expect.unreachable();
  return () => new Optimizer({}, { ...inner, supports, open }).build([f32(1)]);
}
const slots = (): { name: string }[] => [];
type Values = Record<string, never>;

describe('a rule that can not be', () => {
  const update = (_: unknown, __: unknown, { x }: Values) => ({ x });
  it.each<[string, () => unknown, RegExp]>([
    ['gives no x', built({ slots, update: () => ({}) }), /"Wrong": update\(\) does not give x/],
    [
      'gives nothing',
      built({ slots, update: () => undefined }),
      /"Wrong": expected update\(\) to give a record, got undefined/,
    ],
    ['gives a number', built({ slots, update: () => ({ x: 1 }) }), /update\(\): x: expected a value, got 1/],
    [
      'gives what is no slot',
      built({ slots, update: (_: unknown, __: unknown, { x, g }: Values) => ({ x, m: g }) }),
      /gives m, which is no slot of it \(slots: none\)/,
    ],
    [
      'uses a slot that it does not declare',
      built({ slots, update: (o: never, _: unknown, { x, m }: Values) => ({ x: (o as { add: Function }).add(x, m) }) }),
      /"Wrong": ops\.add: operand 2: expected a value, got undefined; declare slots/,
    ],
    [
      'uses a scalar that it does not declare',
      built(
        {
          slots,
          update: (o: never, _: unknown, { x }: Values, { beta }: Values) => ({
            x: (o as { mul: Function }).mul(x, beta),
          }),
        },
        { beta: 0.5 },
      ),
      /ops\.mul: operand 2: expected a value, got undefined/,
    ],
    [
      'compares values',
      built({ slots, update: (_: unknown, __: unknown, { x, g }: Values) => ({ x: x! < g! ? x : g }) }),
      /"Wrong": a rule used a value as a JavaScript number/,
    ],
    [
      'throws',
      built({
        slots,
        update() {
          throw new RangeError('mine');
        },
      }),
      /"Wrong": update\(\) threw RangeError: mine/,
    ],
    ['has slots that are no list', built({ slots: () => 'm', update }), /expected slots\(\) to give a list, got "m"/],
    [
      'has two slots of a name',
      built({ slots: () => [{ name: 'm' }, { name: 'm' }], update }),
      /two slots have the name m/,
    ],
    [
      'takes the name of a slot of the step',
      built({ slots: () => [{ name: 'average' }], update }),
      /average has a name that is the step's own/,
    ],
    ['has a slot without a name', built({ slots: () => [{}], update }), /name of a slot .*got undefined/],
    ['has a slot with an odd name', built({ slots: () => [{ name: '__proto__' }], update }), /got "__proto__"/],
    [
      'starts a slot with a text',
      built({ slots: () => [{ name: 'm', initial: '0' }], update }),
      /slot m: initial: expected a number, got "0"/,
    ],
    [
      'does what the engine can not',
      built(
        { slots, update: (o: never, _: unknown, { x, g }: Values) => ({ x: (o as { pow: Function }).pow(x, g) }) },
        {},
        new Set([...cpu().supports].filter((feature) => feature !== 'pow')),
      ),
      /"cpu" does not have pow, which the options need/,
    ],
  ])('%s', (_, call, message) => {
    expectRefusal(call, message.source.includes('pow,') ? 'SGD_UNSUPPORTED' : 'SGD_INVALID_OPTION', message);
  });

  it.each<[unknown, RegExp]>([
    [undefined, /defineOptimizer: expected an object, got undefined/],
    [{ className: 'a b', rule: { slots, update } }, /className: .*got "a b"/],
    [{ className: 'A' }, /rule: expected an object, got undefined/],
    [{ className: 'A', rule: { update } }, /rule: slots: expected a function, got undefined/],
    [{ className: 'A', rule: { slots } }, /rule: update: expected a function/],
    [{ className: 'A', learningRate: '1', rule: { slots, update } }, /learningRate: expected a number, got "1"/],
    [{ className: 'A', options: { clipnorm: 1 }, rule: { slots, update } }, /clipnorm is an option of every optimizer/],
    [{ className: 'A', options: { paths: 1 }, rule: { slots, update } }, /paths is an option of every optimizer/],
    [{ className: 'A', options: { Beta: 1 }, rule: { slots, update } }, /names in camelCase, got "Beta"/],
    [{ className: 'A', options: { beta: 'x' }, rule: { slots, update } }, /options: beta: expected .*got "x"/],
    [{ className: 'A', options: { beta: { default: 1, minimum: '0' } }, rule: { slots, update } }, /minimum/],
    [{ className: 'A', rule: { slots, update, scalars: ['beta'] } }, /the scalar beta is no option/],
    [{ className: 'A', rule: { slots, update, scalars: 'beta' } }, /scalars: expected a list of names, got "beta"/],
    [
      { className: 'A', options: { beta: true }, rule: { slots, update, scalars: ['beta'] } },
      /options: beta: expected a number, since it is a scalar of the rule, got true/,
    ],
    [
      { className: 'A', rule: { slots, update, scalars: ['learningRate'] } },
      /learningRate has a name that is the step's own/,
    ],
  ])('%j', (optimizer, message) => {
    expectRefusal(() => defineOptimizer(optimizer as never), 'SGD_INVALID_OPTION', message);
  });

  it('is refused where an option is out of its range', () => {
    expectRefusal(() => new Momentum({ momentum: 2 }, cpu()), 'SGD_INVALID_OPTION', /momentum: .*from 0 to 1, got 2/);
    expectRefusal(() => new Momentum({ nesterov: 1 as never }, cpu()), 'SGD_INVALID_OPTION', /nesterov/);
    expectRefusal(() => new Momentum({ momentums: 1 } as never, cpu()), 'SGD_INVALID_OPTION', /momentums/);
  });
});
