import { SgdError, type SgdErrorCode } from '@sgd/core';
import { fail, show } from './failure.ts';

/** The error that a call ends with, thrown or rejected; undefined when it succeeds. */
export async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error ?? new Error('threw nothing');
  }
}

/** An `SgdError` also from another copy of core: by name and code. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof SgdError) return error.code;
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown };
  return name === 'SgdError' && typeof code === 'string' ? code : undefined;
}

/** Fails unless the call is refused with one of the codes (any code when none is given) and a message that holds every word. */
export async function wantRefusal(
  what: string,
  call: () => unknown,
  codes: readonly SgdErrorCode[] = [],
  words: readonly string[] = [],
): Promise<void> {
  const error = await errorOf(call);
  const wanted = codes.length > 0 ? codes.join(' or ') : 'an SgdError';
  if (error === undefined) fail(`${what}: expected ${wanted}, but the call was accepted`);
  const code = codeOf(error);
  if (code === undefined || (codes.length > 0 && !codes.includes(code as SgdErrorCode)))
    fail(`${what}: expected ${wanted}, got ${code ?? show(error)}: ${(error as Error).message}`);
  const { message } = error as Error;
  for (const word of words)
    if (!message.includes(word)) fail(`${what}: the message of ${code} does not name ${show(word)}: ${message}`);
}

/** A promise that is awaited later: should the test end before, its rejection is nobody's problem. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
