import type { Program } from '@sgd/core';
import type { StepDefinition } from '@sgd/core/engine';

/** Variables of a kind have the same kernels. */
export interface Kinds {
  /** By variable: the number of its kind. */
  readonly kindOf: readonly number[];
  /** By kind: what tells it from others, and a variable of it. */
  readonly keys: readonly string[];
  readonly examples: readonly number[];
}

/** Sorts the variables of a program into kinds. */
export function kindsOf({ variables }: Program, definition: StepDefinition): Kinds {
  // those with the same key in one situation have it in all
  const [first = 0] = definition.situations.all;
  const numbers = new Map<string, number>();
  const examples: number[] = [];
  const kindOf = variables.map((_, index) => {
    const key = definition.kernelKey(index, first);
    let kind = numbers.get(key);
    if (kind === undefined) {
      kind = examples.push(index) - 1;
      numbers.set(key, kind);
    }
    return kind;
  });
  return { kindOf, keys: [...numbers.keys()], examples };
}
