/** One contender's time for steps over one workload. */
export interface StepRow {
  readonly workload: string;
  readonly options: string;
  readonly contender: string;
  readonly nsPerElement: number;
  /** The bytes that the options need (see `options.ts`), in this time. */
  readonly gbPerSecond: number;
  readonly nsPerStep: number;
  /** Half the distance between the quartiles, as a share of the median. */
  readonly spread: number;
  readonly samples: number;
  /** The quartiles are more than 10 % from the median. */
  readonly noisy: boolean;
  /** Contenders with one number took turns. There are several where memory does not hold all; each has its own copies. */
  readonly group: number;
}

/** A contender that did not take part, and why. */
export interface Skipped {
  readonly workload: string;
  readonly options: string;
  readonly contender: string;
  readonly why: string;
  /** It should have: the command ends with exit code 1. */
  readonly failed?: true;
}

/** Why one whose engine is missing did not take part. */
export const NOT_INSTALLED = 'not installed: name it, and it will be';

/** What contenders reached. The first rows of a group are the copies'. */
export interface Heat {
  readonly rows: StepRow[];
  readonly skipped: Skipped[];
}

/** The spread from which on a row is noisy. */
export const NOISY = 0.1;
