import { type Program, SgdError, type Slot } from '@sgd/core';
import { sgd, type SGDRuleConfig } from '@sgd/core/engine';

/** A program of SGD, the only rule that there are graphs of here. */
export interface SGDProgram extends Omit<Program, 'slots'> {
  /** What is kept beside the variables, by the contract's names. */
  readonly slots: ReadonlySet<Slot>;
  readonly nesterov: boolean;
}

/**
 * The program as the graphs are made from it.
 *
 * @throws SgdError `SGD_UNSUPPORTED`: another rule than SGD's, or groups with and without `nesterov`
 */
export function sgdProgram(program: Program): SGDProgram {
  const { rule, configs, slots, accumulates, averages } = program;
  if ((rule as object) !== sgd) {
    const text = `onnxruntime has graphs of SGD only, got the rule "${rule.name.slice(0, 99)}": use another engine`;
    throw new SgdError('SGD_UNSUPPORTED', text);
  }
  const [nesterov, ...others] = (configs as readonly SGDRuleConfig[]).map((config) => config.nesterov);
  if (others.some((other) => other !== nesterov)) {
    throw new SgdError('SGD_UNSUPPORTED', 'onnxruntime has one graph for all groups: give all the same nesterov');
  }
  const kept = slots.map(({ name }) => name);
  if (accumulates) kept.push('gradient_accumulator');
  if (averages) kept.push('average');
  return { ...program, slots: new Set(kept), nesterov: nesterov === true };
}
