import type { Measured } from './rows.mjs';

/** The charts, by the names of their files in `docs`. */
export function chartsOf(figures: Measured): Readonly<Record<string, string>>;

/** docs/which-backend.md, before it is formatted. */
export function page(figures: Measured): string;
