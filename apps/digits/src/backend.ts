import { loadBackend as load } from '@sgd/conformance/node';
import type { Backend } from '@sgd/core';
import { oneLine, UsageError } from './errors.ts';

/** A backend of which only the contract is known. */
export type AnyBackend = Backend<unknown>;

/**
 * The backend that `NAME[:VARIANT]`, a package or a path names, as the suite's command line finds it.
 *
 * @throws UsageError when there is none
 */
export async function loadBackend(text: string): Promise<AnyBackend> {
  try {
    return (await load(text)) as AnyBackend;
  } catch (error) {
    throw new UsageError(oneLine(error), { cause: error });
  }
}
