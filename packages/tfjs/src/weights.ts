import { type SGDConfig, SgdError, type SlotState, type State } from '@sgd/core';
import type { Tensor } from './tf.ts';

/** A tensor with its name, as tfjs saves it. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Values of a saved tensor. */
interface SavedValues {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** Name and shape of a variable that weights were saved for. */
export type Known = readonly [name: string, shape: readonly number[]];

/** The name, behind the optimizer's, of the list of variables. */
export const VARIABLES = 'variables';

/** What ends the names of slots, as Keras has it. */
const KINDS = ['average', 'gradient_accumulator', 'momentum'] as const;
type Kind = (typeof KINDS)[number];

/** The kinds of slots that an optimizer with these options has. */
export function slotsOf({
  momentum,
  useEma,
  gradientAccumulationSteps,
}: Pick<SGDConfig, 'momentum' | 'useEma' | 'gradientAccumulationSteps'>): Set<Kind> {
  const has = { momentum: momentum !== 0, average: useEma, gradient_accumulator: !!gradientAccumulationSteps };
  return new Set(KINDS.filter((kind) => has[kind]));
}

export function mismatch(message: string): never {
  throw new SgdError('SGD_STATE_MISMATCH', `setWeights: ${message}`);
}

/** A list of variables as numbers, since what is saved are tensors. */
export const encodeKnown = (known: readonly Known[]): Int32Array =>
  Int32Array.from(Array.from(JSON.stringify(known), (letter) => letter.codePointAt(0)!));

function decodeKnown(values: ArrayLike<number>): readonly Known[] {
  try {
    const known = JSON.parse(Array.from(values, (code) => String.fromCodePoint(code)).join('')) as Known[];
    if (known.every(([name, shape]) => typeof name === 'string' && Array.isArray(shape))) return known;
  } catch {
    // said below
  }
  return mismatch('the list of variables that getWeights puts last can not be read');
}

/** The name under which optimizers of tfjs save their step counter; of `tf.train.sgd` it is all that they save. */
export const COUNTER = 'iter';

/** The counter, where weights are those of `tf.train.sgd`. */
export function counterOf(weights: readonly SavedValues[]): number | undefined {
  const [first, ...more] = weights;
  return first?.name === COUNTER && more.length === 0 ? first.values[0] : undefined;
}

/** What weights say. */
export interface Decoded {
  readonly known: readonly Known[];
  /** Which slots there are. */
  readonly kinds: ReadonlySet<Kind>;
  readonly scalars: Readonly<Record<string, number>>;
  /** Core's state of it, under the paths of now. */
  stateFor(className: string, paths: readonly string[]): State;
}

/**
 * Reads what `getWeights` gave: Keras's list of optimizer variables, and the list of what they are for.
 *
 * @throws SgdError `SGD_STATE_MISMATCH`
 */
export function decode(weights: readonly SavedValues[]): Decoded {
  const scalars: Record<string, number> = {};
  const slots: Record<Kind, SavedValues[]> = { average: [], gradient_accumulator: [], momentum: [] };
  let known: readonly Known[] | undefined;
  for (const weight of weights) {
    const own = weight.name.slice(weight.name.lastIndexOf('/') + 1);
    const kind = KINDS.find((one) => own.endsWith(`_${one}`));
    if (own === VARIABLES) known = decodeKnown(weight.values);
    else if (kind) slots[kind].push(weight);
    // a wrapper has scalars of the same names before the optimizer's, which count
    else scalars[own] = weight.values[0]!;
  }
  const list = known ?? mismatch('the list of variables that getWeights puts last is missing');
  const kinds = new Set(KINDS.filter((kind) => slots[kind].length > 0));
  for (const kind of kinds) {
    const came = slots[kind];
    if (came.length !== list.length)
      mismatch(`expected ${list.length} tensors of the kind ${kind}, got ${came.length}`);
    list.forEach(([name, shape], i) => {
      const got = came[i]!.shape;
      if (got.join() !== shape.join())
        mismatch(`the ${kind} of ${name}: expected shape [${shape.join()}], got [${got.join()}]`);
    });
  }
  const {
    iteration,
    learning_rate: learningRate = null,
    step_counter: stepCounter,
    dynamic_scale: dynamicScale,
  } = scalars;
  if (iteration === undefined) mismatch('iteration is missing');
  return {
    known: list,
    kinds,
    scalars,
    stateFor: (className, paths) => {
      const own = paths.map((_, i): SlotState =>
        Object.fromEntries([...kinds].map((kind) => [kind, Float32Array.from(slots[kind][i]!.values)])),
      );
      return {
        format: 'sgd-state/2',
        config: { className },
        iterations: iteration,
        learningRate,
        slots: Object.fromEntries(paths.map((path, i) => [path, own[i]!])),
        ...(stepCounter !== undefined && dynamicScale !== undefined && { lossScale: { stepCounter, dynamicScale } }),
      };
    },
  };
}
