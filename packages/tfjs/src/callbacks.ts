import type { Fit } from './fits.ts';
import type { FitCallback, ModelWithWeights } from './types.ts';

const isModel = (model: unknown): model is ModelWithWeights =>
  Array.isArray((model as ModelWithWeights | null)?.weights);

type Wrap = (args: object) => object;

const nothing = async (): Promise<void> => {};

/**
 * Callbacks for `fit`: `others` first, then one that learns of the model and of the end of training.
 *
 * tfjs wraps what is no callback of its own into one, and reads its hooks then; a hook for batches would make it read the loss back
 * after each of them. So ours has those hooks only once it is called directly, which begins with `setModel`.
 */
export function callbacksOf(others: readonly object[], fit: Fit): FitCallback[] {
  let direct = false;
  const hook = (): (() => Promise<void>) | undefined => (direct ? nothing : undefined);
  const setModel = (model: unknown): void => {
    if (isModel(model)) fit.begin(model);
  };
  const own = {
    setParams() {},
    setModel(model: unknown) {
      direct = true;
      setModel(model);
    },
    async onTrainEnd() {
      fit.end();
    },
    get onTrainBegin() {
      return hook();
    },
    get onEpochBegin() {
      return hook();
    },
    get onEpochEnd() {
      return hook();
    },
    get onBatchBegin() {
      return hook();
    },
    get onBatchEnd() {
      return hook();
    },
  };
  const list = [...others, own] as FitCallback[];
  // tfjs maps a list to its callbacks, which don't pass on the model: the one that it makes of ours shall
  Object.defineProperty(list, 'map', {
    value: (wrap: Wrap) =>
      [...list].map((args) => {
        const made = wrap(args);
        return args === own ? Object.assign(made, { setModel }) : made;
      }),
  });
  return list;
}
