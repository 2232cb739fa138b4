/** Figures of one place, by candidate. */
export interface Place {
  readonly machine: string;
  readonly runtime: string;
  /** Who draws for WebGL. */
  readonly renderer?: string;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly name: string;
  readonly device: string;
  /** Of an element, by the number of elements. */
  readonly nanoseconds: Readonly<Record<string, number>>;
  /** Numbers of elements at which repetitions differed. */
  readonly noisy?: readonly number[];
}

/** What `figures.json` holds. */
export interface Measured {
  readonly node: Place;
  readonly browser: Place;
}
