import type { Program, Step } from '@sgd/core';
import { numpy as np } from '@jax-js/jax';
import { sizeOf, type Tensor } from './tensor.ts';

// What becomes of gradients before the rule sees them. Those of no elements, which jax-js can not compute with, never come here.

/** Whether all elements are finite. */
export const isFinite = (g: Tensor): boolean => Boolean(np.all(np.isfinite(g.ref)).item());

const squares = (g: Tensor): Tensor => np.square(g.ref).sum();

/** The norms that a clip needs: of each gradient, or of all together; none for other clips. */
export function normsOf({ clip }: Program, gradients: readonly Tensor[]): Tensor[] {
  if (!clip.endsWith('norm') || gradients.length === 0) return [];
  const sums = gradients.map(squares);
  return (clip === 'norm' ? sums : [sums.reduce((a, b) => a.add(b))]).map((sum) => np.sqrt(sum));
}

/** A function that clips gradient `j`. It consumes what it is given, norms included. */
export function clipper(
  { clip }: Program,
  { clipLimit: c }: Step,
  norms: readonly Tensor[],
  uses: number,
): (g: Tensor, j: number) => Tensor {
  switch (clip) {
    case 'none':
      return (g) => g;
    case 'value':
      return (g) => np.minimum(np.maximum(g, -c), c);
    case 'norm':
      return (g, j) => np.trueDivide(g.mul(c), np.maximum(norms[j]!, c));
    case 'global-norm': {
      const [norm] = norms;
      if (!norm) return (g) => g;
      const factor = np.minimum(np.trueDivide(1, norm.ref), 1 / c).mul(c);
      const sameOrNaN = factor.add(norm.ref.sub(norm));
      return (g) => g.mul(--uses > 0 ? sameOrNaN.ref : sameOrNaN);
    }
  }
}

/** Whether there is something to compute. */
export const hasElements = ({ shape }: Tensor): boolean => sizeOf(shape) > 0;
