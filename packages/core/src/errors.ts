import { thrown } from './shown.ts';

/** The codes of {@link SgdError}. They are stable; messages are not. */
export type SgdErrorCode =
  /** An option has a wrong type or value, or is unknown. */
  | 'SGD_INVALID_OPTION'
  /** A serialized optimizer or schedule can't be read, or an optimizer can't be serialized. */
  | 'SGD_INVALID_CONFIG'
  /** The backend does not declare a feature that the options need, or the variable's type is not one of ours. */
  | 'SGD_UNSUPPORTED'
  /** The backend is not one of this contract's version. */
  | 'SGD_CONTRACT'
  /** The call needs variables, and `build` was not called. */
  | 'SGD_NOT_BUILT'
  /** The call comes too late: the optimizer is built. */
  | 'SGD_ALREADY_BUILT'
  /** More or fewer gradients than variables, or a variable given twice. */
  | 'SGD_GRADIENT_COUNT'
  /** A gradient that does not fit its variable. */
  | 'SGD_GRADIENT_SHAPE'
  /** Every gradient of the step is null. */
  | 'SGD_NO_GRADIENTS'
  /** There are no averages to assign or swap. */
  | 'SGD_NO_AVERAGES'
  /** A variable or path that the optimizer was not built with. */
  | 'SGD_UNKNOWN_VARIABLE'
  /** A gradient, or a norm to clip by, is not finite, and the policy is to throw. */
  | 'SGD_NOT_FINITE'
  /** Another call is still in flight, or a callback called back, or averages are swapped in. */
  | 'SGD_BUSY'
  /** The optimizer was disposed of. */
  | 'SGD_DISPOSED'
  /** The memory of a variable or gradient was detached, moved or freed. */
  | 'SGD_DETACHED'
  /** A state that does not fit the optimizer. */
  | 'SGD_STATE_MISMATCH'
  /** The engine failed, its device is lost, or a callback threw after the step was taken; `cause` is what was thrown. */
  | 'SGD_BACKEND';

/** Characters of a message at most: whatever is in it, it can be logged. */
const LONGEST = 1000;

/** Every error that this package throws on purpose. Nothing was changed when it is thrown, except for `SGD_BACKEND`. */
export class SgdError extends Error {
  /** What went wrong; stable, to be compared with. */
  readonly code: SgdErrorCode;

  /**
   * @param code - one of {@link SgdErrorCode}
   * @param message - names the option or variable, what came, and what was expected; cut after 1,000 characters
   * @param options - `cause`: what the engine or a callback threw
   */
  constructor(code: SgdErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message, options as ErrorOptions);
    this.name = 'SgdError';
    this.code = code;
  }
}

/**
 * By name, since an engine may have brought another copy of this package.
 * @internal
 */
export function isSgdError(error: unknown): error is SgdError {
  return error instanceof Error && error.name === 'SgdError';
}

/** Reads what the caller gave: a getter or a proxy of theirs may throw. */
export function reading<T>(what: string, read: () => T, code?: SgdErrorCode): T {
  try {
    return read();
  } catch (cause) {
    unreadable(what, cause, code);
  }
}

/** Refuses what threw when it was read. */
export function unreadable(what: string, cause: unknown, code: SgdErrorCode = 'SGD_INVALID_OPTION'): never {
  if (isSgdError(cause)) throw cause;
  refuse(code, `${what}: expected what can be read, but reading it threw ${thrown(cause)}`, cause);
}

/**
 * Throws an {@link SgdError}.
 * @internal
 */
export function refuse(code: SgdErrorCode, message: string, cause?: unknown): never {
  throw new SgdError(code, message, cause === undefined ? undefined : { cause });
}
