/** One thing that is not as it should be, with the numbers where there are any. */
export interface Detail {
  /** The case or option set it was found in. */
  readonly case?: string;
  /** Where: `variables`, `averages`, `learningRateUsed`, `serialized.config.momentum`, … */
  readonly field?: string;
  /** 0-based. */
  readonly step?: number;
  /** Path of the variable. */
  readonly variable?: string;
  /** Row-major position. */
  readonly element?: number;
  /** What was wanted there. */
  readonly expected?: unknown;
  /** What came. */
  readonly got?: unknown;
  /** Distance in units of the last place, where both are numbers of one type. */
  readonly ulps?: number;
  /** The golden number itself differs from what was recorded: it was moved after the recording. */
  readonly moved?: boolean;
  /** Which line of a step to look at, where what is right and what is wrong tell; part of the message. */
  readonly hint?: string;
  /** All of it in words, a line or more. */
  readonly message: string;
}

const LISTED = 8;

/** What a test of the suite throws. */
export class ConformanceError extends Error {
  /** What was wrong, each place alone; the message has the first eight. */
  readonly details: readonly Detail[];

  constructor(details: readonly Detail[]) {
    const more = details.length > LISTED ? `\n… and ${details.length - LISTED} more` : '';
    super(
      details
        .slice(0, LISTED)
        .map(({ message }) => message)
        .join('\n') + more,
    );
    this.name = 'ConformanceError';
    this.details = details;
  }
}

/** Fails the test with one message. */
export function fail(message: string, detail: Omit<Detail, 'message'> = {}): never {
  throw new ConformanceError([{ ...detail, message }]);
}

/** Fails the test unless the condition holds. */
export function check(condition: boolean, message: string, detail: Omit<Detail, 'message'> = {}): asserts condition {
  if (!condition) fail(message, detail);
}

/** Fails with all details, if there are any. */
export function throwIfAny(details: readonly Detail[]): void {
  if (details.length > 0) throw new ConformanceError(details);
}

/** A value for a message, short. Values that neither JSON nor a string can show are shown by their kind. */
export function show(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Error) return `${value.name}: ${value.message.slice(0, 400)}`;
  let text: string | undefined;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
