import type { Measured } from './rows.mjs';

/** The READMEs that have the table: of the repository and of each package that is imported. */
export function readmes(): string[];

/** A README with the table as it should be; `null` when it has no place for it. */
export function withTable(file: string, text: string, figures: Measured): string | null;
