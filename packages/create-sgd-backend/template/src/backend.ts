import type { Backend, Feature } from '@sgd/core';

/** What the engine keeps numbers in: put its own type here, an array, a tensor or a buffer. */
export interface Tensor {
  readonly shape: readonly number[];
}

/** What is left to do. The first check that needs it fails with this message. */
function todo(what: string): never {
  throw new Error(`to do in src/backend.ts: ${what}`);
}

/** A backend for `@sgd/core`. */
export const myBackend = (): Backend<Tensor, Tensor, 'sync'> => ({
  contract: 2,
  name: 'my-backend',
  mode: 'sync',
  // Add feature by feature, each turns tests on: weight-decay, accumulation, average, finite-check, clip-value,
  // clip-norm, clip-global-norm, groups, measure, overwrite, constraint, float64, pow, sum.
  supports: new Set<Feature>([]),
  tolerance: { rtol: 1e-6, atol: 1e-7 }, // of one step; zeros claim the bits of Keras
  describe: () =>
    todo('describe(variable) gives { name, shape, dtype }, and throws for what is no tensor of the engine'),
  variable: () => todo('variable({ data, shape, name }) makes a tensor that holds a copy of the values'),
  gradient: () => todo('gradient({ data, shape }) makes what the engine takes as a gradient, a copy too'),
  free: () =>
    todo('free(value) gives back what variable or gradient made; nothing to do where there is a garbage collector'),
  refuses: () =>
    todo('refuses(gradient, index, program) is null when the gradient fits, else what came: "a gradient of shape [3]"'),
  /* async */ open(_program, variables) {
    // Here: allocate the slots. openTensors of @sgd/core/engine does that and all that follows, if you give it the engine's operations.
    return {
      variables,
      step: /* async */ () =>
        todo(
          'step({ rates, phase, … }, gradients, indices) takes one whole step: x = x - g * learningRate, to begin with',
        ),
      averages: /* async */ () => todo('averages(action): not called as long as "average" is not in supports'),
      read: async () => todo('read(entries) gives a copy of the values of each entry, { slot, index }'),
      write: async () => todo('write(entries) copies the values in: all of them or, if one does not fit, none'),
      dispose: /* async */ () => todo('dispose() frees the slots; the variables stay'),
    };
  },
});
