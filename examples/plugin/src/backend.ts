import type { Backend } from '@sgd/core';
import { openTensors, FEATURES } from '@sgd/core/engine';
import { engine } from './engine.ts';
import { isTensor, type Tensor, tensor } from './tensor.ts';

/** A backend for `@sgd/core` on jax-js, whose arrays are immutable: each step replaces the variables. */
export const sgdJax = (): Backend<Tensor, Tensor, 'sync'> => ({
  contract: 2,
  name: 'sgd-jax',
  mode: 'sync',
  supports: new Set(FEATURES.filter((feature) => feature !== 'float64')),
  tolerance: { rtol: 1e-6, atol: 1e-7 },
  variable: tensor,
  gradient: tensor,
  free: (value) => value.dispose(),
  describe(t) {
    if (!isTensor(t)) throw new TypeError('not an array of jax-js');
    return { shape: t.shape, dtype: t.dtype };
  },
  refuses(g, i, { variables }) {
    if (!isTensor(g)) return 'what is no array of jax-js';
    return g.shape.join() === variables[i]!.shape.join() ? null : `a gradient of shape [${g.shape.join()}]`;
  },
  open: (program, variables) => openTensors(program, variables, engine),
});
