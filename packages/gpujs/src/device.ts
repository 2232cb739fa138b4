import type { Feature, Mode, SgdErrorCode } from '@sgd/core';
import type { Formula } from './formula.ts';
import type { Reductions } from './reductions.ts';
import type { Eventual } from './steps.ts';

/** Why a texture can't be used. */
export interface Flaw {
  readonly code: SgdErrorCode;
  readonly text: string;
}

/** What a mode of gpu.js does for a session. `T` is a flat tensor on the device, which never changes after it was made. */
export interface Device<T = unknown> {
  readonly name: string;
  readonly mode: Mode;
  readonly supports: ReadonlySet<Feature>;
  readonly tolerance: { readonly rtol: number; readonly atol: number };
  /** Elements that a tensor may have. */
  readonly most: number;
  /** Throws when the device is lost. */
  check(): void;
  /** What is wrong with a texture; `null`: nothing; `undefined`: it is none. */
  flawOf(value: object): Flaw | null | undefined;
  /** As kernels index it, outermost first. */
  shapeOf(texture: object): number[];
  /** A tensor that holds a copy of the values. */
  upload(values: Float32Array): Eventual<T>;
  /** A tensor of the values, for the time of a step: the texture's own, or those of the host, copied to a device that is not the host. */
  borrow(values: object): Eventual<T>;
  read(tensor: T, size: number): Eventual<Float32Array>;
  /** Runs a kernel with `size` threads. */
  run(formula: Formula, size: number, tensors: readonly T[], numbers: readonly number[]): Eventual<T>;
  /** The same for a formula that keeps something, which is the second result; left out where kernels have one. */
  both?(formula: Formula, size: number, tensors: readonly T[], numbers: readonly number[]): Eventual<readonly [T, T]>;
  /** The same tensor once more, to be freed once more. */
  share(tensor: T): T;
  /** The same for one that may be written to by callbacks. */
  copy(tensor: T): T;
  free(tensor: T): void;
  /** Gives back what is kept for the next step. */
  clear(): void;
  /** What kernels of the user take: of as many dimensions as the shape, up to three. Lives on when the tensor is freed. */
  handle(tensor: T, shape: readonly number[]): object;
  /** Another view of a texture or of flat values, that need not and must not be freed. */
  view(values: object, shape: readonly number[]): object;
  /** Sums on the device; `null` where tensors are arrays of the host. */
  readonly reductions: Reductions<T> | null;
}

const FEATURES: readonly Feature[] = [
  'weight-decay',
  'accumulation',
  'average',
  'finite-check',
  'clip-value',
  'clip-norm',
  'clip-global-norm',
  'groups',
  'measure',
  'overwrite',
  'sum',
];

/** What every mode does. */
export const everywhere: ReadonlySet<Feature> = new Set(FEATURES);
/** What the host does besides: constraints are functions over arrays, and powers are to the bit. */
export const onTheHost: ReadonlySet<Feature> = new Set([...FEATURES, 'constraint', 'pow']);

/** Elements of a shape. */
export const sizeOf = (shape: ArrayLike<number>): number => Array.from(shape).reduce((a, b) => a * b, 1);

/** A shape as gpu.js has it: width first, and one dimension where it has no more than that or more than three. */
export const outputOf = (shape: readonly number[]): number[] =>
  shape.length === 0 || shape.length > 3 ? [sizeOf(shape)] : shape.slice().reverse();
