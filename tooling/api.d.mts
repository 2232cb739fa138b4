/** The reports by their file names. */
export function reports(): Map<string, string>;
