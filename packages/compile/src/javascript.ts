import type { DType } from '@sgd/core';
import type { Kernel, NumberProgram, Pass, TracedValue } from '@sgd/core/engine';
import type { PassFunction } from './pass.ts';

/** Elements that one turn of a writing loop computes: V8 checks for interrupts and for the end once a turn. */
const WRITE_UNROLL = 4;
/** Of a summing loop: numpy's eight sums that take turns. */
const SUM_LANES = 8;

const INFIX: Readonly<Record<string, string>> = { add: '+', sub: '-', mul: '*', scale: '*', div: '/' };

/**
 * The text of a function that runs one pass. It holds numbered identifiers and numerals only: names of slots and options never enter it.
 * Constants are read from `numbers`, so that kernels that differ in numbers alone share a text.
 */
export function javaScriptSource(kernel: Kernel, pass: Pass, program: NumberProgram, dtype: DType): string {
  const writer = new JavaScriptWriter(kernel, pass, program, dtype);
  return pass.sums.length > 0 ? writer.summing() : writer.writing();
}

class JavaScriptWriter {
  readonly #kernel: Kernel;
  readonly #pass: Pass;
  readonly #program: NumberProgram;
  readonly #isFloat32: boolean;
  readonly #numbers = new Set<number>();
  readonly #tensors = new Set<number>();

  constructor(kernel: Kernel, pass: Pass, program: NumberProgram, dtype: DType) {
    this.#kernel = kernel;
    this.#pass = pass;
    this.#program = program;
    this.#isFloat32 = dtype === 'float32';
  }

  /** Every element is computed, then stored. */
  writing(): string {
    const { stores, observations } = this.#pass;
    const totals = observations.map((_, j) => `w${j}`);
    const body = (lanes: readonly number[]): string => {
      const lines = lanes.flatMap((lane) => this.#computed(lane));
      for (const lane of lanes) {
        for (const { tensor, value } of stores) {
          this.#tensors.add(tensor);
          lines.push(`t${tensor}[${index(lane)}] = ${this.#name(value, lane)};`);
        }
        observations.forEach(({ value, minus }, j) => {
          const difference =
            minus === null ? this.#name(value, lane) : `(${this.#name(value, lane)} - ${this.#name(minus, lane)})`;
          lines.push(`w${j} += ${difference} * ${difference};`);
        });
      }
      return lines.join('\n');
    };
    const loops = unrolled(WRITE_UNROLL, body);
    const ends = totals.map((total, j) => `totals[at + ${j}] += ${total};`);
    return this.#function([...totals.map((total) => `let ${total} = 0;`), loops, ...ends]);
  }

  /** At most 128 elements, by eight sums that are added up in pairs; then what is left over. */
  summing(): string {
    const { sums } = this.#pass;
    const operands = sums.map((sum) => sum.operands[0] as TracedValue);
    const lanes = Array.from({ length: SUM_LANES }, (_, lane) => lane);
    const starts = operands.flatMap((_, j) => lanes.map((lane) => `let s${j}_${lane} = 0;`));
    const turn = lanes.flatMap((lane) => [
      ...this.#computed(lane),
      ...operands.map((value, j) => `s${j}_${lane} = ${this.#rounded(`s${j}_${lane} + ${this.#name(value, lane)}`)};`),
    ]);
    const pairs = operands.map((_, j) => {
      let terms = lanes.map((lane) => `s${j}_${lane}`);
      while (terms.length > 1) {
        terms = terms.flatMap((term, i) => (i % 2 === 0 ? [this.#rounded(`${term} + ${terms[i + 1] as string}`)] : []));
      }
      return `let s${j} = ${terms[0] as string};`;
    });
    const rest = [
      ...this.#computed(0),
      ...operands.map((value, j) => `s${j} = ${this.#rounded(`s${j} + ${this.#name(value, 0)}`)};`),
    ];
    return this.#function([
      ...starts,
      `let i = from;`,
      `for (; i + ${SUM_LANES - 1} < to; i += ${SUM_LANES}) {\n${turn.join('\n')}\n}`,
      ...pairs,
      `for (; i < to; i++) {\n${rest.join('\n')}\n}`,
      ...sums.map((_, j) => `totals[at + ${j}] = s${j};`),
    ]);
  }

  /** Declarations of what the loop computes for one element. */
  #computed(lane: number): string[] {
    return this.#pass.wide.map((value) => `const ${this.#name(value, lane)} = ${this.#expression(value, lane)};`);
  }

  #expression(value: TracedValue, lane: number): string {
    const { kind, name } = value;
    if (kind === 'tensor') {
      const tensor = this.#kernel.tensors.indexOf(name);
      this.#tensors.add(tensor);
      return `t${tensor}[${index(lane)}]`;
    }
    const [a = '', b = '', c = ''] = value.operands.map((operand) => this.#name(operand, lane));
    const infix = INFIX[kind];
    if (infix !== undefined) return this.#rounded(`${a} ${infix} ${b}`);
    switch (kind) {
      case 'neg':
        return `-${a}`;
      case 'select':
        return `${a} > 0 ? ${b} : ${c}`;
      case 'sqrt':
        return this.#rounded(`Math.sqrt(${a})`);
      case 'pow':
        return this.#rounded(`Math.pow(${a}, ${b})`);
      case 'min':
      case 'max':
        return `Math.${kind}(${a}, ${b})`;
      default:
        return `Math.${kind}(${a})`;
    }
  }

  #rounded(expression: string): string {
    return this.#isFloat32 ? `f(${expression})` : `(${expression})`;
  }

  /** The identifier of a value: of an element, or of a number that is the same for all. */
  #name(value: TracedValue, lane: number): string {
    if (value.isWide) return `v${this.#pass.wide.indexOf(value)}_${lane}`;
    const place = this.#program.placeOf(value);
    this.#numbers.add(place);
    return `n${place}`;
  }

  #function(body: readonly string[]): string {
    return [
      '"use strict";',
      'const f = Math.fround;',
      'return (tensors, numbers, from, to, totals, at) => {',
      ...sorted(this.#tensors).map((tensor) => `const t${tensor} = tensors[${tensor}];`),
      ...sorted(this.#numbers).map((place) => `const n${place} = numbers[${place}];`),
      ...body,
      '};',
    ].join('\n');
  }
}

const index = (lane: number): string => (lane === 0 ? 'i' : `i + ${lane}`);

const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

/** A loop of several elements a turn, and one for those left over. */
function unrolled(lanes: number, body: (lanes: readonly number[]) => string): string {
  const all = Array.from({ length: lanes }, (_, lane) => lane);
  return [
    'let i = from;',
    `for (; i + ${lanes - 1} < to; i += ${lanes}) {\n${body(all)}\n}`,
    `for (; i < to; i++) {\n${body([0])}\n}`,
  ].join('\n');
}

/** Functions by their text. There are as many as there are kinds of kernels, however many optimizers are built. */
const compiled = new Map<string, PassFunction>();
/** A page that has refused once reports each further try as a violation of its policy. */
let isRefused = false;

/** Makes a function of a pass; `null` where the page or runtime does not let text become code. */
export function compileJavaScript(
  kernel: Kernel,
  pass: Pass,
  program: NumberProgram,
  dtype: DType,
): PassFunction | null {
  const source = javaScriptSource(kernel, pass, program, dtype);
  const known = compiled.get(source);
  if (known !== undefined || isRefused) return known ?? null;
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- the text is ours, to the last character
    const made = new Function(source)() as PassFunction;
    compiled.set(source, made);
    return made;
  } catch {
    isRefused = true;
    return null;
  }
}
