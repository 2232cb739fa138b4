import type { Measure } from '@sgd/core';
import { type Kernel, NumberProgram, type Pass, type TracedValue } from '@sgd/core/engine';
import { Shader } from './shader.ts';
import { wgslDeclarations, wgslFunctions } from './wgsl-functions.ts';
import {
  bindingsOf,
  declarationsOf,
  FIGURE,
  gatherOf,
  LOOP,
  MAIN,
  partsOf,
  sharedOf,
  type WgslProgram,
} from './wgsl-program.ts';

/** What a kernel is written for. */
export interface WgslKernelOptions {
  /** The names of the step's numbers. */
  readonly scalars: readonly string[];
  /** Four where tensors have elements in fours. */
  readonly lanes: 1 | 4;
  /** Whether a step that is dropped writes nothing, and a norm that is not finite drops it. */
  readonly isGuarded: boolean;
  /** Where among the figures the first result goes; left out: nowhere. */
  readonly result?: number | undefined;
}

/** Scalars that are among the figures. */
const ON_DEVICE: ReadonlySet<string> = new Set(['clipFactor']);
/** The tensor that is among the figures. */
const SQUARES = 'squares';

/** A kernel as programs for a device, in WGSL: what it sums, and what follows from sums, stays on the device. */
export class WgslKernel {
  /** What the host computes: the buffer `numbers`. */
  readonly numbers: NumberProgram;
  /** Run before anything is written, one after the other. */
  readonly reading: readonly WgslProgram[];
  readonly writing: WgslProgram | null;
  /** How many figures are its own: its sums, then its observations. */
  readonly figures: number;
  /** Where among them its observations begin. */
  readonly observations: number;
  /** What they are. */
  readonly observed: readonly Measure[];
  readonly #kernel: Kernel;
  readonly #options: WgslKernelOptions;
  readonly #sums: readonly TracedValue[];

  constructor(kernel: Kernel, options: WgslKernelOptions) {
    this.#kernel = kernel;
    this.#options = options;
    this.#sums = kernel.passes.flatMap((pass) => pass.sums);
    this.numbers = new NumberProgram(kernel, 'float32', options.scalars);
    this.observations = this.#sums.length;
    this.observed = kernel.observed;
    this.figures = this.observations + this.observed.length;
    const outcome = this.#outcome();
    this.reading = kernel.passes.filter(isReading).map((pass) => this.#pass(pass));
    if (outcome !== null) this.reading = [...this.reading, outcome];
    const last = kernel.passes.find((pass) => !isReading(pass));
    this.writing = last === undefined ? null : this.#pass(last);
  }

  /** A pass over elements, which sums or writes. */
  #pass(pass: Pass): WgslProgram {
    const { sums, stores } = pass;
    const { lanes, isGuarded } = this.#options;
    const shader = new Shader([...summedBy(pass), ...stores.map(({ value }) => value), ...observedBy(pass)], ON_DEVICE);
    const terms = [...summedBy(pass).map((value) => shader.nameOf(value)), ...squaresOf(pass, shader)];
    const written = stores.map(({ tensor }) => this.#kernel.tensors[tensor]!);
    const names = new Set([...shader.tensors.map(({ name }) => name), ...written]);
    const readsSquares = names.delete(SQUARES);
    const tensors = [...names];
    const goes = isGuarded && isWriting(pass) ? `figures[${FIGURE.dropped}] == 0` : 'true';
    const readsFigures = goes !== 'true' || readsSquares || shader.deviceNumbers.length > 0;
    const figures = terms.length > 0 ? 'storage' : readsFigures ? 'read-only-storage' : null;
    const bindings = bindingsOf(shader.hostNumbers.length, figures, tensors, written);
    const first = sums.length > 0 ? this.#sums.indexOf(sums[0]!) : this.observations;
    const elementOf = (name: string): string =>
      name === SQUARES ? `figures[${FIGURE.squares} + i]` : `b${tensors.indexOf(name)}[i]`;
    const code = [
      ...wgslFunctions(shader, lanes),
      ...declarationsOf(bindings, this.#kernel.numbers.length),
      ...(terms.length > 0 ? sharedOf(terms.length, lanes) : []),
      MAIN,
      `let goes = ${goes};`,
      'let count = select(0, parameters.x, goes);',
      ...this.#numbersOf(shader),
      ...terms.map((_, k) => `var s${k} = T(0);`),
      LOOP,
      ...shader.tensors.map(({ name }, k) => `let t${k} = ${elementOf(name)};`),
      ...wgslDeclarations(shader),
      ...stores.map(({ value }, k) => `${elementOf(written[k]!)} = ${shader.nameOf(value)};`),
      ...terms.map((term, k) => `s${k} += ${term};`),
      '}',
      ...(terms.length > 0 ? partsOf(terms.length, first) : []),
      '}',
    ].join('\n');
    const gather = terms.length > 0 ? gatherOf(terms.length, first, goes) : null;
    return { code, bindings, isSingle: false, gather };
  }

  /** The kernel's result, and whether its norms are finite; `null` where nobody asks. */
  #outcome(): WgslProgram | null {
    const { result, isGuarded } = this.#options;
    const norms = isGuarded ? this.#kernel.norms : [];
    const results = result === undefined ? [] : this.#kernel.results.slice(0, 1);
    if (norms.length + results.length === 0) return null;
    const shader = new Shader([...norms, ...results], ON_DEVICE);
    const bindings = bindingsOf(shader.hostNumbers.length, 'storage', [], []);
    const code = [
      ...wgslFunctions(shader, 1),
      ...declarationsOf(bindings, this.#kernel.numbers.length),
      '@compute @workgroup_size(1) fn main() {',
      ...this.#numbersOf(shader),
      ...wgslDeclarations(shader),
      ...norms.map((norm) => {
        const bits = `bitcast<u32>(${shader.nameOf(norm)})`;
        return `if ((${bits} & 0x7f800000u) == 0x7f800000u) { figures[${FIGURE.dropped}] = 1; }`;
      }),
      ...results.map((value) => `figures[${result}] = ${shader.nameOf(value)};`),
      '}',
    ].join('\n');
    return { code, bindings, isSingle: true, gather: null };
  }

  /** The numbers that a shader reads: of the host, and of the device. */
  #numbersOf({ hostNumbers, deviceNumbers }: Shader): string[] {
    return [
      ...hostNumbers.map((value, k) => {
        const place = this.numbers.placeOf(value);
        return `let n${k} = T(numbers[${place >> 2}][${place & 3}]);`;
      }),
      ...deviceNumbers.map((value, k) => {
        const place = value.kind === 'sum' ? `parameters.y + ${this.#sums.indexOf(value)}` : FIGURE.clipFactor;
        return `let d${k} = T(figures[${place}]);`;
      }),
    ];
  }
}

const isReading = ({ sums }: Pass): boolean => sums.length > 0;
const isWriting = (pass: Pass): boolean => !isReading(pass);

const summedBy = ({ sums }: Pass): TracedValue[] => sums.map((sum) => sum.operands[0]!);

const observedBy = ({ observations }: Pass): TracedValue[] =>
  observations.flatMap(({ value, minus }) => (minus === null ? [value] : [value, minus]));

function squaresOf({ observations }: Pass, shader: Shader): string[] {
  return observations.map(({ value, minus }) => {
    const difference = minus === null ? shader.nameOf(value) : `(${shader.nameOf(value)} - ${shader.nameOf(minus)})`;
    return `${difference} * ${difference}`;
  });
}
