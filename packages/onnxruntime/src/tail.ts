import type { DType, Slot } from '@sgd/core';
import { quoted, refuse } from './messages.ts';
import { DOUBLE, FLOAT, type Graph, INT64, newGraph } from './onnx.ts';
import { ruleOf } from './models.ts';
import type { Parsed } from './parse.ts';
import { average, globalFactor, gradient, notFinite, type squares, update } from './rule.ts';
import type { SGDProgram } from './sgd-program.ts';

/** A parameter of a model, and where its gradient comes out. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly gradient: string;
}

/** What is appended to a model, by names. */
export interface Tail {
  readonly graph: Graph;
  /** Numbers of the step, by their names in the rule. */
  readonly numbers: readonly string[];
  /** The state: what is fed, and what takes its place. */
  readonly states: readonly State[];
  /** How many elements and norms are not finite, if that is looked for. */
  readonly bad: string | null;
}

/** A tensor that a run replaces. */
export interface State {
  readonly slot: Slot;
  readonly parameter: number;
  readonly input: string;
  readonly output: string;
}

const NAMES: Readonly<Record<string, string>> = {
  scale: 'loss_scale',
  count: 'accumulation_steps',
  c: 'clip_limit',
  nc: 'negative_clip_limit',
  rc: 'reciprocal_clip_limit',
  lr: 'learning_rate',
  b: 'momentum',
  wd: 'weight_decay',
  keep: 'average_momentum',
  mix: 'average_rate',
  update: 'update',
};
const SLOTS: readonly (readonly [Slot, string])[] = [
  ['variable', 'x'],
  ['momentum', 'm'],
  ['gradient_accumulator', 'v'],
  ['average', 'a'],
];

/** The input that a number of the step has. */
export const numberName = (name: string): string => `sgd.${NAMES[name]}`;

/**
 * The update of all parameters, to be put behind a graph that gives their gradients. One run of it accumulates or updates, as the number `update`
 * says, so that one model does for both.
 *
 * @throws SgdError `SGD_INVALID_OPTION`: the model has a tensor of a name that the update needs
 */
export function newTail(
  program: SGDProgram,
  parameters: readonly Parameter[],
  parsed: Parsed,
  sum: typeof squares,
): Tail {
  const graph = newGraph('sgd.');
  const { op, constant, input, output } = graph;
  const { clip, finiteCheck, slots, variables } = program;
  const { dtype } = parameters[0]!;
  const type = dtype === 'float64' ? DOUBLE : FLOAT;
  const numbers = new Set<string>();
  const number = (name: string): string => {
    numbers.add(name);
    return numberName(name);
  };
  const states: State[] = [];
  const accumulates = slots.has('gradient_accumulator');

  /** The names of parameter `i` in the rule. */
  const names = parameters.map(({ name, gradient: from, shape }, i) => {
    const own: Record<string, string> = {};
    for (const [slot, letter] of SLOTS) {
      if (slot !== 'variable' && !slots.has(slot)) continue;
      own[letter] = slot === 'variable' ? name : `${name}.${slot}`;
      own[`${letter}_`] = `${own[letter]}.next`;
      states.push({ slot, parameter: i, input: own[letter], output: own[`${letter}_`]! });
    }
    own['g'] = op('Reshape', [from, constant(INT64, [shape.length], BigInt64Array.from(shape, BigInt))]);
    return own;
  });
  const at =
    (i: number, more: Readonly<Record<string, string>> = {}) =>
    (name: string): string =>
      more[name] ?? names[i]![name] ?? number(name);

  const bad: string[] = finiteCheck ? names.map(({ g }) => notFinite(graph, g!, type, false, '')) : [];
  const gradients = variables.map(({ decays }, i) => gradient(graph, ruleOf(program, decays), at(i)));
  const norms: Record<string, string>[] = variables.map(() => ({}));
  if (clip.endsWith('norm')) {
    const sums = gradients.map((g) => sum(graph, g, ''));
    const rounded = (clip === 'norm' ? sums : [op('Sum', sums)]).map((wide) => op('Cast', [wide], { to: type }));
    if (clip === 'norm') rounded.forEach((each, i) => (norms[i]!['d'] = op('Max', [op('Sqrt', [each]), number('c')])));
    else {
      const f = globalFactor(graph, rounded[0]!, number);
      for (const each of norms) each['f'] = f;
    }
    if (finiteCheck) {
      const flaws = rounded.map((each) => notFinite(graph, each, type, false, ''));
      // steps that accumulate have no norm
      bad.push(...(accumulates ? flaws.map((flaw) => op('Mul', [flaw, number('update')])) : flaws));
    }
  }
  const updating = accumulates ? op('Greater', [number('update'), constant(type, [], zero(type))]) : '';
  variables.forEach(({ decays }, i) => {
    const own = names[i]!;
    const made: Record<string, string> = accumulates ? { x_: `${own['x_']}?`, m_: `${own['m_']}?` } : {};
    update(graph, ruleOf(program, decays), gradients[i]!, at(i, { ...norms[i], ...made }));
    if (accumulates) {
      for (const letter of ['x', 'm'])
        if (own[letter]) op(`Where:${own[`${letter}_`]}`, [updating, made[`${letter}_`]!, own[letter]]);
      const accumulated = op('Add', [program.unscale ? op('Div', [own['g']!, number('scale')]) : own['g']!, own['v']!]);
      op(`Where:${own['v_']}`, [updating, constant(type, [], zero(type)), accumulated]);
    }
    if (slots.has('average')) average(graph, own['x_']!, at(i));
  });
  for (const { input: name, output: next, parameter } of states) {
    const { shape } = parameters[parameter]!;
    if (!parsed.inputs.has(name)) input(name, type, shape);
    output(next, type, shape);
  }
  for (const name of numbers) input(numberName(name), type, []);
  const flaws = finiteCheck ? op('Sum:sgd.not_finite', bad) : null;
  if (flaws !== null) output(flaws, type, []);
  wantFree(graph, states, parameters, parsed);
  return { graph, numbers: [...numbers], states, bad: flaws };
}

const zero = (type: number): ArrayBufferView => (type === FLOAT ? Float32Array.of(0) : Float64Array.of(0));

/** Refuses names of ours that tensors of the model have. */
function wantFree(
  { names }: Graph,
  states: readonly State[],
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
