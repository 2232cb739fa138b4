import { CosineDecay, LossScaleOptimizer, SGD } from '@sgd/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { dense, ENGINES, examples, type layers, numbers, reloaded, start, tf, weightsOf } from './engines.ts';

const loss = 'categoricalCrossentropy';
beforeAll(() => start('cpu'));

describe('a model saved with its optimizer', () => {
  const schedule = new CosineDecay({ initialLearningRate: 0.5, decaySteps: 30, warmupSteps: 3, warmupTarget: 0.7 });
  const base = {
    momentum: 0.9,
    nesterov: true,
    weightDecay: 0.01,
    clipnorm: 1,
    useEma: true,
    emaOverwriteFrequency: 5,
  };
  it.each([
    ['momentum and a number', (): SGD => new SGD({ learningRate: 0.1, momentum: 0.9 })],
    ['no slot at all', (): SGD => new SGD({ learningRate: schedule })],
    ['all slots and a schedule', (): SGD => new SGD({ ...base, learningRate: schedule, gradientAccumulationSteps: 3 })],
    [
      'a dynamic loss scale',
      (): LossScaleOptimizer =>
        new LossScaleOptimizer(new SGD({ learningRate: 0.1, momentum: 0.5 }), {
          initialScale: 8,
          dynamicGrowthSteps: 3,
        }),
    ],
  ])('goes on to the bit with %s', async (_name, make) => {
    const { x, y } = examples();
    const fit = (model: layers.LayersModel): Promise<unknown> =>
      model.fit(x, y, { epochs: 2, batchSize: 4, shuffle: false, verbose: 0 });
    const model = dense();
    const optimizer = make();
    model.compile({ optimizer, loss });
    if (optimizer instanceof SGD) optimizer.learningRate = schedule;
    await fit(model);
    const loaded = await reloaded(model);
    expect(loaded.optimizer).not.toBe(optimizer);
    await fit(model);
    await fit(loaded);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
    const own = loaded.optimizer as SGD;
    expect([own.iterations, own.learningRate]).toEqual([optimizer.iterations, optimizer.learningRate]);
    expect(own.getConfig()).toEqual(optimizer.getConfig());
    const { dynamicScale } = optimizer as Partial<LossScaleOptimizer>;
    expect((own as Partial<LossScaleOptimizer>).dynamicScale).toBe(dynamicScale);
    tf.dispose([x, y]);
  });

  it('that a training has changed the rate of', async () => {
    const model = dense();
    const optimizer = new SGD({ learningRate: 0.1 });
    const { x, y } = examples();
    model.compile({ optimizer, loss });
    await model.fit(x, y, { verbose: 0 });
    optimizer.learningRate = 0.025;
    expect(((await reloaded(model)).optimizer as SGD).learningRate).toBe(Math.fround(0.025));
  });

  it('before its first step loads as a fresh one', async () => {
    const model = dense();
    model.compile({ optimizer: new SGD({ momentum: 0.9 }), loss });
    const { optimizer } = await reloaded(model);
    expect([(optimizer as SGD).iterations, (optimizer as SGD).getConfig()['momentum']]).toEqual([0, 0.9]);
  });

  it('does not leak by being saved over and over', async () => {
    const model = dense();
    const optimizer = new SGD({ momentum: 0.9, useEma: true });
    const { x, y } = examples();
    model.compile({ optimizer, loss });
    await model.fit(x, y, { verbose: 0 });
    const discard = tf.io.withSaveHandler(async () => ({
      modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' },
    }));
    await model.save(discard, { includeOptimizer: true });
    const { numTensors, numBytes } = tf.memory();
    for (let i = 0; i < 5; i++) await model.save(discard, { includeOptimizer: true });
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
  });

  it('a function as learning rate is refused by name', async () => {
    const model = dense();
    model.compile({ optimizer: new SGD({ learningRate: () => 0.1 }), loss });
    await expect(reloaded(model)).rejects.toMatchObject({ code: 'SGD_INVALID_CONFIG' });
  });
});

describe('fromConfig', () => {
  const options = { learningRate: 0.5, momentum: 0.9, nesterov: true, globalClipnorm: 1, useEma: true, name: 'mine' };

  it('makes the optimizer of a config again', () => {
    const optimizer = new SGD(options);
    const again = SGD.fromConfig(SGD, optimizer.getConfig());
    expect(again).toBeInstanceOf(SGD);
    expect(again.getConfig()).toEqual({ ...optimizer.getConfig(), ...options });
    const scaled = new LossScaleOptimizer(optimizer, { initialScale: 8, dynamicGrowthSteps: 3 });
    const copy = LossScaleOptimizer.fromConfig(LossScaleOptimizer, scaled.getConfig());
    expect([copy.dynamicScale, copy.inner.getConfig()]).toEqual([8, optimizer.getConfig()]);
    expect(copy.getConfig()).toEqual(scaled.getConfig());
  });

  it('makes one of a class of your own', () => {
    class Mine extends SGD {
      readonly mine = true;
    }
    const again = Mine.fromConfig(Mine, new SGD(options).getConfig());
    expect([again instanceof Mine, again.mine, again.getConfig()['momentum']]).toEqual([true, true, 0.9]);
  });
});

describe('getWeights and setWeights', () => {
  const variables = (seed: number): tf.Variable[] =>
    tf.tidy(() => [tf.variable(tf.tensor2d(numbers(seed, 6), [2, 3])), tf.variable(tf.tensor1d(numbers(seed + 1, 3)))]);
  const step = (optimizer: SGD, list: readonly tf.Variable[], seed: number): void =>
    tf.tidy(() => {
      optimizer.applyGradients(
        list.map(({ name, shape, size }) => ({ name, tensor: tf.tensor(numbers(seed, size), shape) })),
      );
    });
  const values = (list: readonly tf.Variable[]): unknown => list.map((v) => v.dataSync().slice());

  it('are Keras list, and the live tensors', async () => {
    const optimizer = new SGD({ momentum: 0.9 });
    const list = variables(1);
    step(optimizer, list, 5);
    const weights = await optimizer.getWeights();
    const [a, b] = list.map(({ name }) => name);
    expect(weights.map(({ name }) => name)).toEqual([
      'sgd/iteration',
      'sgd/learning_rate',
      `sgd/${a}_momentum`,
      `sgd/${b}_momentum`,
      'sgd/variables',
    ]);
    expect(weights[0]!.tensor.dataSync()[0]).toBe(1);
    step(optimizer, list, 6);
    expect((await optimizer.getWeights())[0]!.tensor.dataSync()[0]).toBe(2);
  });

  it.each(['before its first step', 'in the middle'])('move the state to another optimizer, %s', async (when) => {
    const options = { momentum: 0.9, useEma: true, gradientAccumulationSteps: 2 };
    const [first, second] = [variables(1), variables(1)];
    const [a, b] = [new SGD(options), new SGD(options)];
    for (let i = 0; i < 3; i++) step(a, first, i);
    if (when === 'in the middle') for (let i = 0; i < 3; i++) step(b, second, i + 50);
    second.forEach((v, i) => v.assign(first[i]!));
    await b.setWeights(await a.getWeights());
    expect(b.iterations).toBe(a.iterations);
    for (let i = 3; i < 6; i++) {
      step(a, first, i);
      step(b, second, i);
    }
    expect(values(second)).toEqual(values(first));
  });

  it('by name, where the variables have their names, in any order', async () => {
    const list = variables(1);
    const twin = list.map((v) => v.dataSync<'float32'>().slice());
    const [a, b] = [new SGD({ momentum: 0.9 }), new SGD({ momentum: 0.9 })];
    step(a, list, 1);
    await b.setWeights(await a.getWeights());
    list.forEach((v, i) => v.assign(tf.tensor(twin[i]!, v.shape)));
    step(b, [list[1]!, list[0]!], 1);
    const [, , first] = await b.getWeights();
    expect(first!.name).toContain(list[0]!.name);
    step(a, list, 2);
    expect(b.iterations).toBe(2);
  });

  it.each<[string, (w: { name: string; tensor: tf.Tensor }[]) => object[]]>([
    ['nothing', () => []],
    ['without its list', (w) => w.slice(0, -1)],
    ['without a slot', (w) => w.filter(({ name }) => !name.includes('momentum'))],
    ['without one of the slots', (w) => w.filter((_, i) => i !== 2)],
    ['with slots of another shape', (w) => w.map((x, i) => (i === 2 ? { ...x, tensor: tf.zeros([9]) } : x))],
    ['without its counter', (w) => w.slice(1)],
    ['with a list that is none', (w) => [...w.slice(0, -1), { name: 'sgd/variables', tensor: tf.tensor1d([1, 2]) }]],
  ])('refuses %s, and changes nothing', async (_name, spoil) => {
    const list = variables(1);
    const a = new SGD({ momentum: 0.9 });
    step(a, list, 1);
    const weights = await a.getWeights();
    for (const b of [new SGD({ momentum: 0.9 }), a]) {
      const wasBuilt = b.built;
      const before = wasBuilt ? weights.map(({ tensor }) => tensor.dataSync().slice()) : [];
      await expect(b.setWeights(spoil(weights) as typeof weights)).rejects.toMatchObject({
        code: 'SGD_STATE_MISMATCH',
      });
      expect(b.built).toBe(wasBuilt);
      expect(weights.slice(0, before.length).map(({ tensor }) => tensor.dataSync())).toEqual(before);
    }
  });

  it('refuses weights of other variables when it is built', async () => {
    const a = new SGD({ momentum: 0.9 });
    step(a, variables(1), 1);
    const b = new SGD({ momentum: 0.9 });
    step(b, variables(1).slice(1), 1);
    await expect(b.setWeights(await a.getWeights())).rejects.toMatchObject({ code: 'SGD_STATE_MISMATCH' });
  });

  it('then refuse variables that the weights are not for', async () => {
    const a = new SGD({ momentum: 0.9 });
    step(a, variables(1), 1);
    const b = new SGD({ momentum: 0.9 });
    await b.setWeights(await a.getWeights());
    const other = tf.variable(tf.zeros([7]));
    expect(() => step(b, [other], 1)).toThrow(expect.objectContaining({ code: 'SGD_UNKNOWN_VARIABLE' }));
  });
});

describe.each(ENGINES)('on %s', (engine) => {
  it('a tensor that shares the values of a slot keeps them in later steps', async () => {
    await start(engine);
    const [variable, gradient] = [tf.variable(tf.tensor1d([1, 2, 3])), tf.tensor1d([2, 4, 6])];
    const optimizer = new SGD({ learningRate: 0.5, momentum: 0.5 });
    optimizer.applyGradients({ [variable.name]: gradient });
    const slot = async (): Promise<tf.Tensor> =>
      (await optimizer.getWeights()).find(({ name }) => name.endsWith('momentum'))!.tensor;
    const shared = tf.reshape(await slot(), [3, 1]); // no copy, unlike some engine's clones
    optimizer.applyGradients({ [variable.name]: gradient });
    expect(Array.from(shared.dataSync())).toEqual([-1, -2, -3]);
    expect(Array.from((await slot()).dataSync())).toEqual([-1.5, -3, -4.5]);
    expect(Array.from(variable.dataSync())).toEqual([-1.5, -3, -4.5]);
    tf.dispose([shared, gradient, variable]);
    optimizer.dispose();
  });
});
