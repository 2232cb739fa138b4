import type { Measured } from './rows.mjs';

/** The READMEs that have the table: of the repository in each language, and of each package that is imported. */
export function readmes(): string[];

/** A README with the table of now, whose columns the formatter aligns; `null` when it has no place for it. */
export function withTable(file: string, text: string, figures: Measured): string | null;
