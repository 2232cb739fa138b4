import {
  type Backend,
  checkOptions,
  type FloatArray,
  type HostTensor,
  LossScaleOptimizer,
  type OptimizerConfig,
  type RuleOptimizer,
  serialize,
  SGD,
  SgdError,
  type SGDOptions,
} from '@sgd/core';
import { newEngine, type OnnxRuntimeOptions, OPTIONS } from './engine.ts';
import { inferenceModel, trainerModel, type Written } from './export.ts';
import { type Call, type FusedModel, newFused, numbersOf } from './fused.ts';
import type { OrtTensor, OrtTensors } from './ort.ts';
import { listed, quoted, refuse } from './messages.ts';
import { sourceOf } from './source.ts';
import type { Parameter } from './tail.ts';
import { sizeOf } from './tensor.ts';

/** The engine of a training session: its variables are the parameters of the model, its gradients never leave the model. */
export type TrainingBackend = Backend<Parameter, Call, 'async'>;

/** The optimizer of a training session. */
export type TrainingOptimizer = RuleOptimizer<Parameter, Call, 'async'> | LossScaleOptimizer<Parameter, Call, 'async'>;

/** What {@link trainingSession} takes. */
export interface TrainingOptions extends OnnxRuntimeOptions {
  /** An ONNX model that gives a loss and its gradients, of opset 13 or later. */
  readonly model: Uint8Array;
  /** The names of what is trained: initializers of the model, or inputs, whose first values are given then: in arrays, or with a shape. */
  readonly parameters: readonly string[] | Readonly<Record<string, FloatArray | HostTensor>>;
  /** The output that is the loss. */
  readonly loss: string;
  /** The outputs that are the gradients, by parameter. Default: `adj_<parameter>`, as `onnx-ad` names them. */
  readonly gradients?: Readonly<Record<string, string>>;
  /** The input that multiplies the gradients: 1, or the loss scale, is fed to it. Default: `adj_<loss>`, if there is such an input; `null`: none. */
  readonly seed?: string | null;
  /** Options of `SGD`, or a function that makes any optimizer: `(backend) => new LossScaleOptimizer(new SGD({}, backend))`. */
  readonly optimizer: SGDOptions | ((backend: TrainingBackend) => TrainingOptimizer);
}

/** All of {@link TrainingOptions}. */
const TRAINING = [
  ...OPTIONS,
  'model',
  'parameters',
  'loss',
  'gradients',
  'seed',
  'optimizer',
] as const satisfies (keyof TrainingOptions)[];

/** What a step of a training session gives. */
export interface TrainingResult {
  /** Before the update, and before it was scaled. */
  readonly loss: number;
  /** `false`: a gradient was not finite, and the step was dropped. */
  readonly taken: boolean;
  /** The outputs that were asked for. */
  readonly outputs: OrtTensors;
}

/** A model that trains itself: one run is forward, backward and update. */
export interface TrainingSession {
  /** Counters, rates, state, averages: all that any optimizer has. Call `step` here, not `apply` there. */
  readonly optimizer: TrainingOptimizer;
  /**
   * One run. Rejects with `SGD_INVALID_OPTION` when an input is missing or unknown, or an output is unknown, `SGD_BUSY` while another step is in flight.
   *
   * @param feeds - the inputs of the model that are neither parameters nor the seed
   * @param fetches - further outputs that are wanted
   */
  step(feeds: OrtTensors, fetches?: readonly string[]): Promise<TrainingResult>;
  /** Copies of the parameters, by name. */
  read(): Promise<Record<string, FloatArray>>;
  /**
   * An ordinary model with the parameters as they are: of the graph what these outputs need, without the backward pass.
   *
   * @param outputs - default: all that are neither gradients nor the loss; the loss, if there are no others
   */
  exportModel(outputs?: readonly string[]): Promise<Uint8Array>;
  /**
   * One model with forward, backward and update, which trains in any ONNX Runtime. State and numbers of the step are inputs that have the
   * values of now; the new state comes out. Metadata `sgd.state` lists inputs and outputs as JSON, `sgd.numbers` the inputs that are numbers of the
   * step by name (`learningRate`, `updateCount`, …), `sgd.optimizer` has Keras's JSON of the optimizer, or nothing where Keras does not have it.
   */
  exportTrainer(): Promise<Uint8Array>;
  /** Releases the session; the values are gone with it. */
  dispose(): Promise<void>;
}

/**
 * Makes a model train itself. The update, for SGD `m = momentum * m - learningRate * g; x = x + m` with all that the options ask for, is appended to a
 * model that gives gradients, such as one that `onnx-ad` made; one run of it is forward, backward and update, and the parameters stay inside.
 * Any optimizer will do, as in the backend; there are no groups, constraints, overwriting variables or measures.
 *
 * @returns a promise of the session. Rejects with `SgdError`: `SGD_INVALID_OPTION` for an unknown option, and, naming the tensor, when the model does not have what is named, in the
 * types and shapes that are needed; `SGD_UNSUPPORTED` for options that it has no room for; `SGD_BACKEND` when ONNX Runtime refuses the model, or
 * does not have the provider
 */
export async function trainingSession(options: TrainingOptions): Promise<TrainingSession> {
  checkOptions(options, TRAINING, 'trainingSession');
  const source = sourceOf(options);
  const { parsed, parameters, loss, seed } = source;
  const { dtype } = parameters[0]!;
  const backend = newFused(newEngine(options), source);
  const optimizer: TrainingOptimizer =
    typeof options.optimizer === 'function' ? options.optimizer(backend) : new SGD(options.optimizer, backend);
  // in a list: a record has names that are integers first
  await optimizer.build(parameters);

  const fed = new Set([...parsed.inputs.keys()].filter((name) => name !== seed?.name));
  for (const { name } of parameters) fed.delete(name);
  const wanted = [...fed].filter((name) => !parsed.initializers.has(name));
  const hidden = new Set([loss, ...parameters.map(({ gradient }) => gradient)]);
  const wantOutputs = (names: readonly string[]): void => {
    if (!Array.isArray(names)) refuse(`outputs: expected an array of names, got ${quoted(names)}`);
    for (const name of names)
      if (!parsed.outputs.has(name)) refuse(`output ${quoted(name)}: the model has ${listed(parsed.outputs.keys())}`);
  };
  const written = async (): Promise<Written[]> => {
    const values = await optimizer.readAll();
    return parameters.map(({ name, shape }) => ({ name, shape, data: values[name]! }));
  };

  return {
    optimizer,
    async step(feeds, fetches = []) {
      if (typeof feeds !== 'object' || (feeds as unknown) === null)
        refuse(`inputs: expected a record of tensors by name, got ${quoted(feeds)}`);
      for (const name of wanted)
        if (!Object.hasOwn(feeds, name) || !feeds[name]) refuse(`input ${quoted(name)}: expected a tensor, got none`);
      for (const name in feeds) if (!fed.has(name)) refuse(`input ${quoted(name)}: expected one of ${listed(fed)}`);
      wantOutputs(fetches);
      const call: Call = { feeds, fetches, made: {} };
      const taken = await optimizer.apply(parameters.map(() => call));
      const { made } = call;
      return {
        loss: (made[loss] as OrtTensor & { readonly data: FloatArray }).data[0]!,
        taken,
        outputs: Object.fromEntries(fetches.map((name) => [name, made[name]!])),
      };
    },
    read: () => optimizer.readAll(),
    async exportModel(outputs) {
      const others = [...parsed.outputs.keys()].filter((name) => !hidden.has(name));
      const chosen = outputs ?? (others.length > 0 ? others : [loss]);
      wantOutputs(chosen);
      return inferenceModel(source, await written(), chosen, dtype);
    },
    async exportTrainer() {
      const model = backend.model();
      const { tail } = model;
      const { slots } = await optimizer.getState();
      const values = await written();
      const state = tail.states.map(({ slot, parameter, input, output }) => {
        const { name, shape } = parameters[parameter]!;
        if (slot !== 'variable') values.push({ name: input, shape, data: slots[name]![slot]! });
        return { slot, parameter: name, input, output };
      });
      numbersNow(optimizer, model).forEach((number, i) =>
        values.push({ name: tail.numbers[i]!.input, shape: [], data: numberArray(number) }),
      );
      if (seed)
        values.push({
          name: seed.name,
          shape: seed.dims,
          data: numberArray(optimizer.scaleLoss(1), sizeOf(seed.dims)),
        });
      const metadata = {
        'sgd.format': 'sgd-trainer/1',
        'sgd.optimizer': kerasJson(optimizer),
        'sgd.loss': loss,
        'sgd.state': JSON.stringify(state),
        'sgd.numbers': JSON.stringify(Object.fromEntries(tail.numbers.map(({ name, input }) => [name, input]))),
        'sgd.not_finite': tail.bad ?? '',
      };
      return trainerModel(source, tail, values, metadata);
    },
    dispose: () => optimizer.dispose(),
  };

  function numberArray(value: number, length = 1): FloatArray {
    return dtype === 'float64' ? new Float64Array(length).fill(value) : new Float32Array(length).fill(value);
  }
}

/** Keras's JSON of an optimizer; nothing where Keras does not have its class, schedule or rate. */
function kerasJson(optimizer: TrainingOptimizer): string {
  try {
    return JSON.stringify(serialize(optimizer));
  } catch (error) {
    if (error instanceof SgdError && error.code === 'SGD_INVALID_CONFIG') return '';
    throw error;
  }
}

/** The numbers that the next updating step has, in the order of the tail. */
function numbersNow(optimizer: TrainingOptimizer, model: FusedModel): number[] {
  const { rule, configs } = model.program;
  const config = (optimizer instanceof LossScaleOptimizer ? optimizer.inner : optimizer).getConfig() as OptimizerConfig;
  const { weightDecay, gradientAccumulationSteps, emaMomentum, clipnorm, globalClipnorm, clipvalue } = config;
  const options = (rule.scalars ?? []).map((name) => (configs[0] as Readonly<Record<string, number>>)[name]!);
  return numbersOf(model, {
    phase: 'update',
    ordinary: true,
    lossScale: optimizer.scaleLoss(1),
    accumulationSteps: gradientAccumulationSteps || 1,
    clipLimit: [clipnorm, globalClipnorm, clipvalue].find((limit) => limit !== null && limit > 0) ?? 0,
    updateCount: optimizer.iterations + 1,
    rates: [{ learningRate: optimizer.learningRate, weightDecay: weightDecay ?? 0, options }],
    averageMomentum: optimizer.iterations === 0 ? 0 : emaMomentum,
    averageOverwrite: false,
  });
}
