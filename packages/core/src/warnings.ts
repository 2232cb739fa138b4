/** What a warning is about, beside its text. */
export interface WarningDetails {
  /** Stable, to be compared with. */
  readonly code: 'SGD_MISSING_GRADIENTS' | 'SGD_DEPRECATED_OPTION' | 'SGD_UNNAMED_VARIABLES';
  /** The variables concerned. */
  readonly paths: readonly string[];
}

/** Receives warnings. One that throws lets the caller of `apply` see the error, after the step was taken. */
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
