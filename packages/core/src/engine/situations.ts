import type { Program, ProgramVariable, Step } from '../contract.ts';
import type { Situation } from './surround.ts';

// A situation of a variable as a number, to look its kernel up in a step.
const GIVEN = 1;
const UPDATES = 2;
const ORDINARY = 4;
const OVERWRITE = 8;

/** What of a step decides over situations. */
export type StepPhase = Pick<Step, 'phase' | 'ordinary' | 'averageOverwrite'>;

/** The situations that the variables of a program can be in, as numbers to look kernels up by. */
export class Situations {
  /** All that can occur. */
  readonly all: readonly number[];
  readonly #averages: boolean;

  constructor({ accumulates, averages, variables }: Program) {
    this.#averages = averages;
    const never = this.#averages ? 0 : OVERWRITE;
    const always = (accumulates ? 0 : UPDATES) | (variables.some((v) => v.overwrites) ? 0 : ORDINARY);
    const all = Array.from({ length: 16 }, (_, key) => key);
    this.all = all.filter((key) => (key & never) === 0 && (key & always) === always);
  }

  /** Whether a situation is one of variables that a step has a gradient for. */
  isGiven(key: number): boolean {
    return (key & GIVEN) !== 0;
  }

  /** Of the variables that a step has a gradient for, or of those that it has none for. */
  keyOf({ phase, ordinary, averageOverwrite }: StepPhase, given: boolean): number {
    return (
      (given ? GIVEN : 0) |
      (phase === 'update' ? UPDATES : 0) |
      (ordinary ? ORDINARY : 0) |
      (averageOverwrite && this.#averages ? OVERWRITE : 0)
    );
  }
}

/** Whether gradients are clipped in a situation: where one is given, and the step updates. */
export function isClipped(key: number): boolean {
  const clipped = GIVEN | UPDATES | ORDINARY;
  return (key & clipped) === clipped;
}

/** The situation of a variable that a number stands for. */
export function situationOf(key: number, { decays, overwrites }: ProgramVariable): Situation {
  return {
    given: (key & GIVEN) !== 0,
    phase: (key & UPDATES) !== 0 ? 'update' : 'accumulate',
    ordinary: (key & ORDINARY) !== 0,
    decays,
    overwrites,
    overwriteByAverage: (key & OVERWRITE) !== 0,
  };
}
