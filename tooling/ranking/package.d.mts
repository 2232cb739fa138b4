import type { Measured } from './rows.mjs';

/** The source of packages/auto/src/ranking.ts, before it is formatted. */
export function packageSource(figures: Measured): string;
