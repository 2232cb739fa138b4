import type { StepDefinition } from '@sgd/core/engine';
import { quoted, refuse } from './messages.ts';
import type { Parsed } from './parse.ts';
import type { Parameter, State, Tail } from './tail.ts';

/** The input of a number of the step: `sgd.learning_rate` of `learningRate`. */
export const inputName = (name: string): string =>
  `sgd.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;

/** A name of ours, or another one where a scalar of the rule has it. */
export const freeName = (scalars: readonly string[], name: string): string =>
  scalars.includes(name) ? `${name}_` : name;

/** The tensors of parameters that a run replaces: `<parameter>` and `<parameter>.next`, `<parameter>.<slot>` and `<parameter>.<slot>.next`. */
export function statesOf(definition: StepDefinition, parameters: readonly Parameter[]): State[] {
  return parameters.flatMap(({ name }, parameter) => {
    const taken = new Set<string>();
    return definition.tensorsOf(parameter).map(({ name: slot, initial = 0 }): State => {
      let input = slot === 'variable' ? name : `${name}.${slot}`;
      // a rule may have a slot "next"
      while (taken.has(input)) input += '_';
      const output = `${input}.next`;
      taken.add(input).add(output);
      return { slot, parameter, initial, input, output };
    });
  });
}

/** Refuses names of ours that tensors of the model have. */
export function wantFree(
  { graph: { names }, states }: Tail,
  parameters: readonly Parameter[],
  { inputs, outputs, initializers, names: inside }: Parsed,
): void {
  const purposes = new Map<string, string>();
  for (const { slot, parameter, input, output } of states) {
    const of = `${slot === 'variable' ? 'value' : slot} of the parameter ${quoted(parameters[parameter]!.name)}`;
    if (slot !== 'variable') purposes.set(input, `the ${of}`);
    purposes.set(output, `the next ${of}`);
  }
  const own = new Set(parameters.map(({ name }) => name));
  for (const name of [...purposes.keys(), ...names]) {
    if (own.has(name) && !purposes.has(name)) continue;
    const what = inputs.has(name)
      ? 'input'
      : outputs.has(name)
        ? 'output'
        : initializers.has(name)
          ? 'initializer'
          : '';
    if (what || inside.has(name))
      refuse(
        `${what || 'tensor'} ${quoted(name)} of the model: the name is needed for ${purposes.get(name) ?? 'the update'}; rename it in the model`,
      );
  }
}
