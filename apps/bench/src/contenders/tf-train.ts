import type { Contender, Run, Task } from '../contender.ts';
import { sizeOf, type Workload } from '../workloads.ts';

/**
 * `tf.train.sgd` and `tf.train.momentum` of TensorFlow.js. They have no other options, so other sets have no row of theirs.
 *
 * What is timed is `applyGradients` with gradients that are on the engine already: from the call to its return. The kernels of these two
 * engines run to their end inside the call, so the work is done then, and nothing is read back. The rate stands outside of the velocity
 * (`a = m*a + g; x -= lr*a`): with a constant rate the weights agree with Keras's up to rounding.
 */
async function start(name: 'cpu' | 'wasm', { set, workload, gradients, variables }: Task): Promise<Run> {
  const tf = await import('@tensorflow/tfjs-core');
  tf.enableProdMode();
  // both packages register their engine; the binary of the second lies beside its code
  await (name === 'cpu' ? import('@tensorflow/tfjs-backend-cpu') : import('@tensorflow/tfjs-backend-wasm'));
  const turn = async (): Promise<boolean> => tf.getBackend() === name || tf.setBackend(name);
  if (!(await turn())) throw new Error(`TensorFlow.js could not start its engine ${name}`);
  const tensor = (data: Float32Array, i: number): ReturnType<typeof tf.tensor> =>
    tf.tensor(data, [...workload.shapes[i]!]);
  const own = variables().map((data, i) => {
    const value = tensor(data, i);
    const variable = tf.variable(value, true);
    value.dispose();
    return variable;
  });
  const given = own.map(({ name: variable }, i) => ({ name: variable, tensor: tensor(gradients[i]!, i) }));
  const { learningRate, momentum } = set.options as { learningRate: number; momentum?: number };
  const optimizer = momentum ? tf.train.momentum(learningRate, momentum) : tf.train.sgd(learningRate);
  return {
    turn,
    step: () => optimizer.applyGradients(given),
    async weights() {
      await turn();
      return own.map((variable) => variable.dataSync<'float32'>().slice());
    },
    async dispose() {
      await turn();
      optimizer.dispose();
      tf.dispose([own, given.map((one) => one.tensor)]);
    },
  };
}

/** With less its many functions are not compiled yet: steps over a few elements would take up to 4 times as long. */
const warmUp = 400;
const takes: Contender['takes'] = ({ options }) => !options.nesterov;
/** Results in between that are alive at once. */
const between = ({ shapes }: Workload): number => 4 * Math.max(...shapes.map(sizeOf)) * 4;

export const trainCpu: Contender = {
  name: 'tf.train:cpu',
  takes,
  warmUp,
  // what the steps leave behind waits for garbage collection
  memory: (_set, workload) => 4 * workload.elements * 2 + 2 * between(workload),
  start: (task) => start('cpu', task),
};

export const trainWasm: Contender = {
  name: 'tf.train:wasm',
  takes,
  warmUp,
  memory: (_set, workload) => 4 * workload.elements * 3 + between(workload),
  most: 2 ** 32,
  start: (task) => start('wasm', task),
};
