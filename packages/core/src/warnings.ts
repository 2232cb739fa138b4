/** What a warning is about, beside its text. */
export interface WarningDetails {
  /** Stable, to be compared with. */
  readonly code: 'SGD_MISSING_GRADIENTS' | 'SGD_DEPRECATED_OPTION' | 'SGD_UNNAMED_VARIABLES';
  /** The variables concerned. */
  readonly paths: readonly string[];
}

/**
 * Receives warnings. What it throws reaches the caller of `apply`, after the step was taken; an `SgdError`, which would say that nothing
 * was changed, as the `cause` of an `SGD_BACKEND`.
 */
export type OnWarning = (message: string, details: WarningDetails) => void;

/** The default: `console.warn`, where there is a console. */
export const toConsole: OnWarning = (message) => {
  const { console } = globalThis as { console?: { warn(text: string): void } };
  console?.warn(message);
};

/** Passes each warning on once per code and set of paths. */
export function once(to: OnWarning): OnWarning {
  const seen = new Set<string>();
  return (message, details) => {
    const key = JSON.stringify(details);
    if (seen.has(key)) return;
    seen.add(key);
    to(message, details);
  };
}
