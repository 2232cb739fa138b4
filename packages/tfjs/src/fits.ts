import type { Tensor } from './tf.ts';
import type { ModelWithWeights } from './types.ts';

/** What an optimizer does around a training by `fit`. */
export interface Fit {
  begin(model: ModelWithWeights): void;
  /** When training ends, however it does. */
  end(): void;
}

/** The part of tfjs-layers, and so of the union package and the global `tf`, that knows of every `fit`. */
export interface CallbackRegistry {
  registerCallbackConstructor?(this: void, verbosity: number, make: new () => object): void;
}

const fits = new WeakMap<object, Fit>();
const registries = new WeakSet<object>();

/** What to do around each `fit` of a model with this optimizer, where {@link followFits} was called. */
export function onFit(optimizer: object, fit: Fit): void {
  fits.set(optimizer, fit);
}

const nothing = async (): Promise<void> => {};

/** A callback of every `fit`: of others' optimizers it does nothing, and without hooks for batches it makes none wait. */
class Follower {
  readonly onTrainBegin = nothing;
  readonly onEpochBegin = nothing;
  readonly onEpochEnd = nothing;
  readonly onBatchBegin = nothing;
  readonly onBatchEnd = nothing;
  #fit: Fit | undefined;

  setParams(): void {}

  setModel(model: ModelWithWeights & { readonly optimizer: object }): void {
    this.#fit = fits.get(model.optimizer);
    this.#fit?.begin(model);
  }

  async onTrainEnd(): Promise<void> {
    this.#fit?.end();
  }
}

/** Lets tfjs-layers tell of every `fit`, once, where it is given. tfjs-core alone knows nothing of models. */
export function followFits(tf: CallbackRegistry): void {
  const { registerCallbackConstructor } = tf;
  if (registerCallbackConstructor === undefined || registries.has(registerCallbackConstructor)) return;
  registries.add(registerCallbackConstructor);
  // a class of its own, since tfjs takes none twice
  registerCallbackConstructor(0, class extends Follower {});
}

/** Sees to it that nobody trains averages by `fit` and then goes without them unawares. */
export class AverageWatch {
  readonly #warn: (message: string) => void;
  #known: boolean;

  constructor(useEma: boolean, warn: (message: string) => void) {
    this.#known = !useEma;
    this.#warn = warn;
  }

  /** Someone knows of the averages. */
  known(): void {
    this.#known = true;
  }

  /** After a step whose cost was wanted. */
  stepped(cost: Tensor | null): void {
    if (this.#known || cost === null) return;
    // only `fit` and `fitDataset` keep a cost, in the same turn, to log it
    void Promise.resolve().then(() => {
      if (this.#known || !cost.kept) return;
      this.#known = true;
      this.#warn(
        'useEma: fit of TensorFlow.js leaves the averages out of the weights; give it "callbacks: optimizer.callbacks()", or call optimizer.finalize() when training is over',
      );
    });
  }
}
