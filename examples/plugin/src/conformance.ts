import { sgdJax } from './backend.ts';

/**
 * The backend by name, for `sgd-conformance --backend sgd-jax`, benchmarks and apps.
 *
 * @param variant - what stands behind the colon in `--backend sgd-jax:variant`
 * @throws RangeError there is no such variant
 */
export default function backend(variant?: string): ReturnType<typeof sgdJax> {
  if (variant !== undefined) throw new RangeError(`there is no variant "${variant}"`);
  return sgdJax();
}
