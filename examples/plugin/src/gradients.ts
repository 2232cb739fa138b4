import type { Program, Step } from '@sgd/core';
import { numpy as np } from '@jax-js/jax';
import { sizeOf, type Tensor } from './tensor.ts';

// What becomes of gradients before the rule sees them. Those of no elements, which jax-js can not compute with, never come here.

/** Whether all elements are finite. */
export const isFinite = (g: Tensor): boolean => Boolean(np.all(np.isfinite(g.ref)).item());

const squares = (g: Tensor): Tensor => np.square(g.ref).sum();

/** A function that clips; it consumes what it is given. */
export function clipper(program: Program, { clipLimit: c }: Step, gradients: readonly Tensor[]): (g: Tensor) => Tensor {
  switch (program.clip) {
    case 'none':
      return (g) => g;
    case 'value':
      return (g) => np.minimum(np.maximum(g, -c), c);
    case 'norm':
      return (g) => {
        const norm = np.sqrt(squares(g));
        return np.trueDivide(g.mul(c), np.maximum(norm, c));
      };
    case 'global-norm': {
      if (gradients.length === 0) return (g) => g;
      const norm = np.sqrt(gradients.map(squares).reduce((a, b) => a.add(b)));
      const factor = np.minimum(np.trueDivide(1, norm.ref), 1 / c).mul(c);
      const sameOrNaN = factor.add(norm.ref.sub(norm));
      let uses = gradients.length;
      return (g) => g.mul(--uses > 0 ? sameOrNaN.ref : sameOrNaN);
    }
  }
}

/** Whether there is something to compute. */
export const hasElements = ({ shape }: Tensor): boolean => sizeOf(shape) > 0;
