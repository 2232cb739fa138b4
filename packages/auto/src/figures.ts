/** Steps of momentum over one flat variable, as `npm run ranking` timed them. */
export interface Figures {
  /** On what it was measured. */
  readonly machine: string;
  /** The sizes of the variable, ascending. */
  readonly elements: readonly number[];
  /** Of each candidate the nanoseconds for each element, by size; `null`: not measured. */
  readonly nanoseconds: Readonly<Record<string, readonly (number | null)[]>>;
  /** Those of which a program played the GPU. */
  readonly software: readonly string[];
}
