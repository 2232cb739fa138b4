import type { Step } from '@sgd/core';
import type { Tensor, TensorFlow } from '../tf.ts';

// The rule for each element as the text of a program, in what GLSL and WGSL have in common: `T` is the type of an element or of four,
// `$` declares one.

/** What a pass reads and writes: gradient, variable, momentum, accumulator, average; the factor of a norm; squares of gradients. */
export type Name = 'G' | 'X' | 'M' | 'V' | 'A' | 'F' | 'S';

// What a pass does: a sum of these.
/** The gradient is there; else only the average moves. */
export const GRADIENT = 1;
export const UNSCALE = 2;
export const ADD = 4;
export const MEAN = 8;
export const LIMIT = 16;
export const FACTOR = 32;
export const MOVE = 64;
export const DECAY = 128;
export const MOMENTUM = 256;
export const NESTEROV = 512;
export const AVERAGE = 1024;
/** The variable becomes its average. */
export const OVERWRITE = 2048;
/** The accumulator becomes the gradient. */
export const KEEP = 4096;
export const CLEAR = 8192;
/** Gives the gradient as it was made. */
export const GIVE = 16384;
export const SQUARE = 32768;

const [lr, b, wd, scale, count, limit, keep, rest] = Array.from({ length: 8 }, (_, i) => `P[${i}]`);

/** How many numbers {@link numbersOf} gives. */
export const NUMBERS = 8;

/** The numbers `P` of a step, for a group. */
export function numbersOf(step: Step, group: number): Float32Array {
  const { learningRate, momentum, weightDecay } = step.rates[group]!;
  const { lossScale, accumulationSteps, clipLimit, averageMomentum } = step;
  const mix = 1 - Math.fround(averageMomentum);
  return Float32Array.of(
    learningRate,
    momentum,
    weightDecay,
    lossScale,
    accumulationSteps,
    clipLimit,
    averageMomentum,
    mix,
  );
}

/** A program's text, and what it works on. */
export interface Rule {
  readonly reads: readonly Name[];
  /** What is written, and by which expression. */
  readonly writes: readonly (readonly [Name, string])[];
  readonly code: string;
}

/** The text for a sum of what is to be done. */
export function ruleOf(what: number): Rule {
  const has = (flag: number): boolean => (what & flag) !== 0;
  const reads: Name[] = [];
  const lines: string[] = [];
  const take = (name: Name, flags: number, ...code: (string | false)[]): void => {
    if (!has(flags)) return;
    reads.push(name);
    for (const line of code) if (line !== false) lines.push(line);
  };
  take('G', GRADIENT, '$ g = G;', has(UNSCALE) && `g = g / ${scale};`);
  take('V', ADD, 'g = g + V;', has(MEAN) && `g = g / ${count};`);
  take('F', FACTOR, has(LIMIT) && `g = g * ${limit};`, 'g = g * F;');
  take('X', MOVE | AVERAGE, '$ x = X;', has(DECAY) && `x = x - (x * ${wd}) * ${lr};`);
  take('M', MOMENTUM, `$ m = M * ${b} - g * ${lr};`, `x = x + ${has(NESTEROV) ? `(m * ${b} - g * ${lr})` : 'm'};`);
  if (has(MOVE) && !has(MOMENTUM)) lines.push(`x = x - g * ${lr};`);
  take('A', AVERAGE, `$ a = ${keep} * A + ${rest} * x;`, has(OVERWRITE) && 'x = a;');
  const writes: (readonly [Name, string])[] = [];
  if (has(MOVE | OVERWRITE)) writes.push(['X', 'x']);
  if (has(MOMENTUM)) writes.push(['M', 'm']);
  if (has(AVERAGE)) writes.push(['A', 'a']);
  if (has(KEEP | CLEAR)) writes.push(['V', has(KEEP) ? 'g' : 'T(0)']);
  if (has(GIVE)) writes.push(['G', 'g']);
  if (has(SQUARE)) writes.push(['S', 'g * g']);
  return { reads, writes, code: lines.join('\n') };
}

/** Tensors by what they are. */
export type Tensors = Partial<Record<Name, Tensor>>;

/** Numbers on their way to the device. */
export interface Numbers {
  readonly values: Float32Array;
  tensor?: Tensor;
}

/**
 * Runs a rule over all elements of a variable, in one program on the device. Gives new tensors for what is written; `own` slots that
 * are not among them were written in place.
 */
export type Pass = (tf: TensorFlow, what: number, own: Tensors, numbers: Numbers) => Tensors;
