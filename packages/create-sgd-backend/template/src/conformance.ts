import { myBackend } from './backend.ts';

/**
 * The backend by name, for `sgd-conformance --backend my-backend`, benchmarks and apps.
 *
 * @param variant - what stands behind the colon in `--backend my-backend:variant`
 * @throws RangeError there is no such variant
 */
export default function backend(variant?: string): ReturnType<typeof myBackend> {
  if (variant !== undefined) throw new RangeError(`there is no variant "${variant}"`);
  return myBackend();
}
