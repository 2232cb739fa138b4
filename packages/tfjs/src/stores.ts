import { put, type State, tensorOf } from './state.ts';
import type { Value } from './tensor-ops.ts';
import type { Tensor } from './tf.ts';

/** New values of a variable and of what is kept for it, by name. */
export type Assignments = Readonly<Record<string, Value>>;

/**
 * Puts new values in their places; all are computed before. What is the tensor itself already is left; what others hold, the caller (the
 * gradient), or a place of this variable, is copied, since slots may be written in place later.
 */
export function store(state: State, index: number, assignments: Assignments, gradient: Tensor | null): void {
  const { tf, definition, program } = state;
  const shape = [...program.variables[index]!.shape];
  const held = new Set<Value | null | undefined>([gradient]);
  for (const { name } of definition.tensorsOf(index)) held.add(tensorOf(state, name, index));
  const made: [string, Tensor][] = [];
  for (const name in assignments) {
    const value = assignments[name]!;
    if (value === tensorOf(state, name, index)) continue;
    if (typeof value === 'number') made.push([name, tf.fill(shape, value)]);
    // one number for all elements that stayed on the device
    else if (value.rank < shape.length) made.push([name, tf.mul(tf.fill(shape, 1), value)]);
    else made.push([name, held.has(value) ? tf.mul(value, 1) : value]);
    held.add(value);
  }
  for (const [name, tensor] of made) {
    if (name === 'variable') state.refs[index]!.variable.assign(tensor);
    else put(state, name, index, tensor);
  }
}
