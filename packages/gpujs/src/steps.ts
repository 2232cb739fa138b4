import type { Mode, Result } from '@sgd/core';

/** A value, or the promise of one in mode webgpu. */
export type Eventual<T> = T | Promise<T>;

/** Work that is written once for synchronous and asynchronous devices: what it yields is waited for where that is needed. */
export type Work<T> = Generator<unknown, T, unknown>;

/** Waits for a value: `const x = yield* settled(device.run(…))`. */
export function* settled<T>(value: Eventual<T>): Work<T> {
  return (yield value) as T;
}

/** Does a job that a device need not be waited for. */
export function* call<T>(job: () => T): Work<T> {
  return (yield job()) as T;
}

/** Does work at once, or as a promise. */
export function perform<M extends Mode, T>(mode: M, work: Work<T>): Result<M, T> {
  return (mode === 'sync' ? now(work) : later(work)) as Result<M, T>;
}

function now<T>(work: Work<T>): T {
  let state = work.next();
  while (!state.done) state = work.next(state.value);
  return state.value;
}

async function later<T>(work: Work<T>): Promise<T> {
  let state = work.next();
  while (!state.done) {
    let value: unknown;
    try {
      value = await state.value;
    } catch (error) {
      state = work.throw(error); // so that it can free what it made
      continue;
    }
    state = work.next(value);
  }
  return state.value;
}
