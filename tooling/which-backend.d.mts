import type { Figures } from '../packages/auto/src/figures.ts';

/** The READMEs that have the table: of the repository and of each package. */
export function readmes(): string[];

/** A README with the table as it should be; `null` when it has no place for it. */
export function withTable(file: string, text: string, figures: Figures): string | null;
