import type { Backend, Feature } from '@sgd/core';
import { openTensors } from '@sgd/core/engine';
import { engine, type Tensor, todo } from './engine.ts';

/** A backend for `@sgd/core`. */
export const myBackend = (): Backend<Tensor, Tensor, 'sync'> => ({
  contract: 2,
  name: 'my-backend',
  mode: 'sync',
  // Add feature by feature, each turns tests on: weight-decay, accumulation, average, finite-check, clip-value, clip-norm,
  // clip-global-norm, groups, measure, overwrite, constraint, float64, pow, sum. All: `FEATURES` of `@sgd/core/engine`.
  supports: new Set<Feature>([]),
  tolerance: { rtol: 1e-6, atol: 1e-7 }, // of one step; zeros claim the bits of Keras
  describe: () =>
    todo('backend.ts: describe(variable) gives { name, shape, dtype }, and throws for what is no tensor of the engine'),
  variable: () => todo('backend.ts: variable({ data, shape, name }) makes a tensor that holds a copy of the values'),
  gradient: () => todo('backend.ts: gradient({ data, shape }) makes what the engine takes as a gradient, a copy too'),
  free: () =>
    todo(
      'backend.ts: free(value) gives back what variable or gradient made; nothing to do where there is a garbage collector',
    ),
  refuses: () =>
    todo(
      'backend.ts: refuses(gradient, index, program) is null when the gradient fits, else what came: "a gradient of shape [3]"',
    ),
  /* async */ open(program, variables) {
    const session = openTensors(program, variables, engine);
    return {
      ...session,
      step: /* async */ (...call) => session.step(...call),
      averages: /* async */ (action) => session.averages(action),
      dispose: /* async */ () => session.dispose(),
    };
  },
});
