import type { State } from './state.ts';
import type { Value } from './tensor-ops.ts';
import type { Tensor } from './tf.ts';

/**
 * A value as a tensor of a variable's own, to be put in a place of it.
 *
 * @param isShared - whether somebody else holds it: it is copied then, since slots may be written in place later
 */
export function owned({ tf, program }: State, index: number, value: Value, isShared: boolean): Tensor {
  if (typeof value === 'object' && !isShared && value.rank > 0) return value;
  const { shape } = program.variables[index]!;
  if (typeof value === 'number') return tf.fill([...shape], value);
  // one number for all elements that stayed on the device
  if (value.rank < shape.length) return tf.mul(tf.fill([...shape], 1), value);
  return isShared ? tf.mul(value, 1) : value;
}
