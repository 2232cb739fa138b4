import { SgdError } from '@sgd/core';
import type { Gradients } from './backends.ts';
import type { Device } from './candidate.ts';
import type { Runtime } from './environment.ts';

/** What became of one candidate. */
export interface Finding {
  /** As `--backend` of the command lines takes it: `wasm`, `onnxruntime:webgpu`. */
  readonly name: string;
  /** The npm package that it is in. */
  readonly package: string;
  /** Where it takes gradients. */
  readonly gradients: Gradients;
  /**
   * `chosen`; `usable`: it took a step here, and another one is chosen; `unusable`: it can not run here; `not installed`; `not tried`: it is for
   * gradients elsewhere, or another one was required.
   */
  readonly status: 'chosen' | 'usable' | 'unusable' | 'not installed' | 'not tried';
  /** Why, in words. */
  readonly reason: string;
  /** What computes, where it runs. */
  readonly device?: Device;
  /** Time of a step for each element, in nanoseconds: measured just now, or taken from the figures that the package has. */
  readonly nanosecondsPerElement?: number;
  /** Where the time is from: of steps taken now, or of the figures of this package. */
  readonly measured?: 'now' | 'before';
}

/** What was found, and why the one that was chosen was. Plain data: it goes through JSON and `postMessage`. */
export interface SelectionReport {
  /** Where gradients were said to live. */
  readonly gradients: Gradients;
  /** What kind of place it was. */
  readonly runtime: Runtime;
  /** The name of the one that was chosen. */
  readonly chosen: string | null;
  /** Why it was, in one line. */
  readonly reason: string;
  /** All of them, those for gradients elsewhere included. */
  readonly candidates: readonly Finding[];
}

/** No engine could be chosen. */
export class SelectionError extends SgdError {
  /** What was found. */
  readonly report: SelectionReport;

  constructor(message: string, report: SelectionReport) {
    super('SGD_UNSUPPORTED', `${message}\n${reportText(report)}`);
    this.report = report;
  }
}

const MARKS: Readonly<Record<Finding['status'], string>> = {
  chosen: '✓',
  usable: '·',
  unusable: '✗',
  'not installed': '-',
  'not tried': ' ',
};

/** A report as lines of text, one for each candidate that was looked at. */
export function reportText({ candidates, reason, chosen }: SelectionReport): string {
  const shown = candidates.filter(({ status }) => status !== 'not tried');
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  const lines = shown.map(({ name, status, reason: why, nanosecondsPerElement: ns, measured }) => {
    const figure =
      ns === undefined ? '' : `; ${ns.toPrecision(3)} ns an element${measured === 'before' ? ', measured before' : ''}`;
    return `${MARKS[status]} ${name.padEnd(width)}  ${status}: ${why}${figure}`;
  });
  return [...lines, chosen === null ? reason : `${chosen}: ${reason}`].join('\n');
}
