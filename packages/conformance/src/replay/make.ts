import { deserialize } from '@sgd/core';
import type { AnyBackend, AnyOptimizer } from '../backend.ts';
import { type SerializedObject, withNumbers } from '../goldens/format.ts';

/** The optimizer of a case, from the arguments that Keras got. */
export function makeOptimizer(
  given: SerializedObject,
  backend: AnyBackend,
  onWarning: (message: string, details: { code: string; paths: readonly string[] }) => void,
): AnyOptimizer {
  const config = withNumbers(given.config) as Record<string, unknown>;
  const inner = config.inner_optimizer as SerializedObject | undefined;
  // Keras finds nested objects by module; the goldens leave it out there
  if (inner) config.inner_optimizer = { module: 'keras.optimizers', registered_name: null, ...inner };
  const optimizer = deserialize<unknown, unknown, AnyBackend['mode']>(
    { class_name: given.class_name, config },
    backend,
    { onWarning },
  );
  if (optimizer === null) throw new Error('deserialize gave null');
  return optimizer;
}
