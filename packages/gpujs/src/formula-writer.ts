import type { Shader } from '@sgd/compile';
import type { TracedValue } from '@sgd/core/engine';
import { type Formula, formulaOf, isFinite, reductionOf } from './formula.ts';

const INFIX: Readonly<Record<string, string>> = { add: '+', sub: '-', mul: '*', scale: '*', div: '/' };

/** How the arithmetic of a mode is: `"exact"` is JavaScript's or WebAssembly's, `"gpu"` that of drivers that fold tests for NaN. */
export type Dialect = 'exact' | 'gpu';

/** A kernel that makes the outputs of a shader: one, or two of which it keeps the first. */
export function elementFormula(shader: Shader, dialect: Dialect): Formula {
  const { outputs, computed } = shader;
  const keeps = outputs.length === 2;
  const [first] = outputs as [TracedValue];
  const isKeptLast = keeps && !computed.includes(first);
  const end = isKeptLast ? `var kept = keep(${shader.nameOf(first)});` : '';
  const body = `${declarations(shader, dialect, '$', keeps ? first : null)} ${end} return ${shader.nameOf(outputs.at(-1)!)};`;
  return formulaOf({ tensors: tensorNames(shader), numbers: numberNames(shader, dialect), body, keeps });
}

/** The sum of the output of a shader over all elements. */
export function sumFormula(shader: Shader, dialect: Dialect): Formula {
  const [output] = shader.outputs;
  return reduction(shader, dialect, `total += ${shader.nameOf(output!)};`);
}

/** The sum of the squares of the output of a shader, or of the differences of both. */
export function squaresFormula(shader: Shader, dialect: Dialect): Formula {
  const [value, minus] = shader.outputs.map((output) => shader.nameOf(output));
  const difference = minus === undefined ? value : `${value} - ${minus}`;
  return reduction(shader, dialect, `var difference = ${difference}; total += difference * difference;`);
}

/** 0 where the output of a shader is finite, else 1. */
export function flawFormula(shader: Shader, dialect: Dialect): Formula {
  const name = shader.nameOf(shader.outputs[0]!);
  const body = `${declarations(shader, dialect, '$')} var flaw = 1.0; if (${isFinite(name)}) { flaw = 0.0; } return flaw;`;
  return formulaOf({ tensors: tensorNames(shader), numbers: numberNames(shader, dialect), body });
}

function reduction(shader: Shader, dialect: Dialect, end: string): Formula {
  return reductionOf(
    tensorNames(shader),
    numberNames(shader, dialect),
    `${declarations(shader, dialect, '[k]')} ${end}`,
  );
}

/** Tensors, and then what has one element. */
function tensorNames({ tensors, deviceNumbers }: Shader): string[] {
  return [...tensors.map((_, i) => `a${i}`), ...deviceNumbers.map((_, i) => `b${i}`)];
}

/** The host's numbers and, where it is needed, NaN, which kernels can't make. */
function numberNames({ hostNumbers, computed }: Shader, dialect: Dialect): string[] {
  const needsNaN = dialect === 'gpu' && computed.some(isZeroOrNaN);
  return [...hostNumbers.map((_, i) => `n${i}`), ...(needsNaN ? ['nan'] : [])];
}

/** Compilers take `a - a` for 0. */
const isZeroOrNaN = ({ kind, operands }: TracedValue): boolean => kind === 'sub' && operands[0] === operands[1];

/** Reads and computes everything that the outputs need: `t0`, `d0`, `v0`, … What follows from a value that is kept is made of what was kept. */
function declarations(shader: Shader, dialect: Dialect, element: '$' | '[k]', kept: TracedValue | null = null): string {
  return [
    ...shader.tensors.map((_, i) => `var t${i} = ${element === '$' ? `$a${i}` : `a${i}[k]`};`),
    ...shader.deviceNumbers.map((_, i) => `var d${i} = #b${i};`),
    ...shader.computed.map((value) => {
      const name = shader.nameOf(value);
      const operands = value.operands.map((operand) => shader.nameOf(operand));
      if (value !== kept) return statements(value, name, operands, dialect);
      return `${statements(value, 'first', operands, dialect)} var ${name} = keep(first);`;
    }),
  ].join(' ');
}

/** Declares the result of an operation under a name. */
function statements(value: TracedValue, name: string, operands: readonly string[], dialect: Dialect): string {
  const { kind } = value;
  const [a, b, c] = operands as [string, string, string];
  if (dialect === 'gpu' && isZeroOrNaN(value)) return `var ${name} = nan; if (${isFinite(a)}) { ${name} = 0.0; }`;
  const onGpu = dialect === 'gpu' ? ON_GPU[kind] : undefined;
  if (onGpu !== undefined) return onGpu(name, a, b);
  const expression = EXPRESSIONS[kind];
  if (expression !== undefined) return `var ${name} = ${expression(a, b)};`;
  if (kind === 'select') return `var ${name} = ${c}; if (${a} > 0.0) { ${name} = ${b}; }`;
  if (kind === 'sign') {
    return `var ${name} = ${a}; if (${a} > 0.0) { ${name} = 1.0; } if (${a} < 0.0) { ${name} = -1.0; }`;
  }
  return `var ${name} = R(${a} ${INFIX[kind]} ${b});`;
}

/** Operations that are an expression. */
const EXPRESSIONS: Readonly<Record<string, (a: string, b: string) => string>> = {
  neg: (a) => `-${a}`,
  abs: (a) => `Math.abs(${a})`,
  sqrt: (a) => `R(Math.sqrt(${a}))`,
  pow: (a, b) => `R(Math.pow(${a}, ${b}))`,
  min: (a, b) => `Math.min(${a}, ${b})`,
  max: (a, b) => `Math.max(${a}, ${b})`,
};

/** Operations that drivers get wrong for zeros, infinities or NaN, unless they are led by comparisons. */
const ON_GPU: Readonly<Record<string, (name: string, a: string, b: string) => string>> = {
  sqrt: (name, a) => `var ${name} = ${a}; if (Math.abs(${a}) > 0.0) { ${name} = Math.sqrt(${a}); }`,
  min: (name, a, b) => extreme(name, a, b, '<', '>'),
  max: (name, a, b) => extreme(name, a, b, '>', '<'),
};

/** The one of two that `wins`; NaN where either is. An infinity on the losing side gives way to anything. */
function extreme(name: string, a: string, b: string, wins: '<' | '>', loses: '<' | '>'): string {
  return [
    `var ${name} = ${a};`,
    `if (${isFinite(a)}) { if (${b} ${wins} ${a}) { ${name} = ${b}; } } else { if (${a} ${loses} 0.0) { ${name} = ${b}; } }`,
    `if (${isFinite(b)}) { ${name} = R(${name}); } else { if (${b} ${loses} 0.0) { ${name} = R(${name}); } else { ${name} = ${name} + ${b}; } }`,
  ].join(' ');
}
