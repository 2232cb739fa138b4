import type { HostTensor } from '@sgd/core';
import * as tf from '@tensorflow/tfjs-core';
import type { AnyBackend } from './backend.ts';
import { Model } from './model.ts';
import type { AnyOptimizer } from './optimizer.ts';
import { mapped, type Values } from './weights.ts';

/** What stands between the model on TensorFlow.js and a backend: gradients go one way, new weights the other. */
export interface Handover {
  readonly model: Model;
  /** What the optimizer trains, by path. */
  readonly variables: Values<unknown>;
  /** Arrays and tensors copied at each step. */
  readonly copiesPerStep: number;
  /** The weights as of the last `pull`, in the type in which the backend keeps them. */
  readonly weights: Values;
  /** Gradients as the backend takes them; what is given belongs to the caller, who frees it. */
  give(gradients: Values<tf.Tensor>): Values<unknown>;
  /** Brings the optimizer's weights to the model. */
  pull(optimizer: AnyOptimizer): Promise<void>;
  /** Frees the model, and the variables as the optimizer has them now. */
  dispose(variables: readonly unknown[]): void;
}

/**
 * Makes the weights on the backend. Where it keeps them as variables of TensorFlow.js on the engine that computes the gradients, the
 * model takes those, and nothing is ever copied; else each side has weights of its own.
 */
export function handover(backend: AnyBackend, initial: Values<HostTensor>): Handover {
  const variables = mapped(initial, (values) => backend.variable(values));
  return areOfEngine(variables) ? new Shared(variables, backend) : new Copied(variables, backend, Model.of(initial));
}

/** Not those of another engine, nor of another copy of TensorFlow.js. */
function areOfEngine(values: Values<unknown>): values is Values<tf.Variable> {
  const { tensorInfo } = tf.engine().state;
  return Object.values(values).every(
    (value) => value instanceof tf.Variable && tensorInfo.get(value.dataId)?.backend === tf.backend(),
  );
}

/** The backend works on the model's own variables and gradients. */
class Shared implements Handover {
  readonly model: Model;
  readonly copiesPerStep = 0;
  readonly #backend: AnyBackend;

  constructor(variables: Values<tf.Variable>, backend: AnyBackend) {
    this.model = new Model(variables);
    this.#backend = backend;
  }

  get variables(): Values<tf.Variable> {
    return this.model.variables;
  }

  get weights(): Values {
    return this.model.weights();
  }

  give(gradients: Values<tf.Tensor>): Values<tf.Tensor> {
    return gradients;
  }

  pull(): Promise<void> {
    return Promise.resolve();
  }

  dispose(variables: readonly unknown[]): void {
    for (const variable of variables) this.#backend.free(variable);
  }
}

/** Gradients are read from the engine and copied to the backend; weights are read from there and copied to the engine. */
class Copied implements Handover {
  readonly model: Model;
  readonly variables: Values<unknown>;
  readonly copiesPerStep: number;
  weights: Values = {};
  readonly #backend: AnyBackend;

  constructor(variables: Values<unknown>, backend: AnyBackend, model: Model) {
    this.variables = variables;
    this.#backend = backend;
    this.model = model;
    this.copiesPerStep = 2 * Object.keys(variables).length;
  }

  give(gradients: Values<tf.Tensor>): Values<unknown> {
    const given = mapped(gradients, (tensor) =>
      this.#backend.gradient({ data: tensor.dataSync<'float32'>(), shape: tensor.shape }),
    );
    tf.dispose(Object.values(gradients));
    return given;
  }

  async pull(optimizer: AnyOptimizer): Promise<void> {
    this.weights = await optimizer.readAll();
    this.model.assign(this.weights);
  }

  dispose(variables: readonly unknown[]): void {
    for (const variable of variables) this.#backend.free(variable);
    this.model.dispose();
  }
}
