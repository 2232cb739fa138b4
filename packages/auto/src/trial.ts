import { SgdError } from '@sgd/core';
import type { AnyBackend, Gradients } from './backends.ts';
import type { Candidate, Opened } from './candidate.ts';
import { type Environment, firstLine, Unusable } from './environment.ts';
import type { SelectOptions, Signal } from './options.ts';
import { start, wantRightStep, type Workload } from './workload.ts';

/** Makes the engine and lets it take a step; gives why not, where it can't. */
export async function tryOut(
  candidate: Candidate,
  environment: Environment,
  workload: Workload,
  options: SelectOptions,
): Promise<Opened<Gradients> | Unusable> {
  let opened: Opened<Gradients> | undefined;
  try {
    return await within(options.timeout ?? 20_000, options.signal, async () => {
      opened = await candidate.open(environment, options);
      const backend = opened.backend as AnyBackend;
      if (workload.dtype === 'float64' && !backend.supports.has('float64')) throw new Unusable('it has no float64');
      await wantRightStep(backend, workload.dtype);
      const small = workload.shapes.slice(0, 1).map((shape) => shape.map((dimension) => Math.min(dimension, 2)));
      await (await start(backend, candidate.gradients, { ...workload, shapes: small })).dispose();
      return opened;
    });
  } catch (error) {
    options.signal?.throwIfAborted();
    await opened?.release?.();
    if (error instanceof SgdError && error.code === 'SGD_INVALID_OPTION') throw error; // the workload's own fault
    return error instanceof Unusable ? error : new Unusable(firstLine(error), false, error);
  }
}

/** What a promise gives, unless it takes too long. */
function within<T>(milliseconds: number, signal: Signal | undefined, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Unusable(`it did not answer within ${milliseconds / 1000} seconds`)),
      milliseconds,
    );
    const stop = (): void => reject(signal?.reason as Error);
    signal?.addEventListener('abort', stop);
    work()
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(late);
        signal?.removeEventListener('abort', stop);
      });
  });
}
