import type { Program, Step } from '@sgd/core';
import { measure, put, type State } from '../state.ts';
import type { Tensor } from '../tf.ts';
import { instantiate, type Memory } from './instantiate.ts';
import * as at from './layout.ts';

// The fused path of the engine `wasm`: one call of a kernel that works on the engine's own memory, over all variables. Slots are
// written in place, as nobody else holds them. A variable gets a new tensor: XNNPACK keeps packed copies of weights by tensor.

/** What the engine `wasm` has inside. */
export interface Heap {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    /** Of the build with threads. */
    readonly wasmMemory?: Memory;
    readonly asm?: Readonly<Record<string, unknown>>;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: string): { dataId: object; shape: number[]; dtype: 'float32' };
  refCount(dataId: object): number;
}

const OPTIONS = {
  momentum: at.MOMENTUM,
  average: at.AVERAGE,
  accumulator: at.ACCUMULATE,
  none: 0,
  value: at.CLIP_VALUE,
  norm: at.CLIP_NORM,
  'global-norm': at.CLIP_GLOBAL_NORM,
  'gradient-norm': at.GRADIENT_NORM,
  'update-norm': at.UPDATE_NORM,
};

/** The options that a program stands for. */
function optionsOf({ slots, measure: measures, clip, nesterov, unscale, finiteCheck, variables }: Program): number {
  const flags = [...slots, ...measures, clip].reduce((all, option) => all | OPTIONS[option], 0);
  return (
    flags |
    (nesterov ? at.NESTEROV : 0) |
    (unscale ? at.UNSCALE : 0) |
    (finiteCheck ? at.FINITE : 0) |
    (variables.some((v) => v.decays) ? at.DECAY : 0) |
    (variables.some((v) => !v.decays && !v.overwrites) ? at.SPARE : 0)
  );
}

/** The memory of the engine. */
export function memoryOf({ wasm }: Heap): Memory | undefined {
  const all = [wasm.wasmMemory, ...Object.values(wasm.asm ?? {})] as (Memory | undefined)[];
  return all.find((memory) => memory?.buffer === wasm.HEAPU8.buffer);
}

/** Where things stand in the words of a session. */
interface Plan {
  readonly options: number;
  readonly groups: number;
  readonly records: number;
  readonly order: number;
  readonly words: number;
}

const plans = new WeakMap<State, Plan>();

function planOf(state: State): Plan {
  let plan = plans.get(state);
  if (plan) return plan;
  const { variables } = state.program;
  const groups = 1 + Math.max(...variables.map((v) => v.group));
  const records = at.NUMBERS + at.RATES * groups;
  const order = records + at.RECORD * variables.length;
  plan = { options: optionsOf(state.program), groups, records, order, words: order + 2 * variables.length };
  plans.set(state, plan);
  return plan;
}

let floats: Float32Array = new Float32Array(0);
let words: Uint32Array = new Uint32Array(0);

/** Views of the memory of now: it moves when it grows. */
function view(buffer: ArrayBufferLike): void {
  if (floats.buffer === buffer) return;
  floats = new Float32Array(buffer);
  words = new Uint32Array(buffer);
}

/** Whether a variable has another value after the step. */
function moves({ program, slots }: State, step: Step, index: number, given: boolean): boolean {
  const updates = step.phase === 'update';
  if (given && (updates || (program.variables[index]!.overwrites && !slots.gradient_accumulator?.[index]))) return true;
  return step.ordinary && step.averageOverwrite && slots.average?.[index] !== undefined;
}

/** One step in a kernel on the memory of the engine. */
export function stepInWasm(
  state: State,
  step: Step,
  gradients: readonly Tensor[],
  indices: readonly number[],
): boolean {
  const { tf, program, refs } = state;
  const heap = tf.backend() as unknown as Heap;
  const plan = planOf(state);
  const { variables } = program;
  const address = ({ dataId }: Tensor): number => heap.dataIdMap.get(dataId).memoryOffset;

  // all that may make the memory grow comes first
  state.scratch ??= tf.keep(tf.zeros([plan.words]));
  const gradientOf: (Tensor | undefined)[] = [];
  indices.forEach((index, j) => (gradientOf[index] = gradients[j]!));
  const made = variables.map((_, index) =>
    moves(state, step, index, gradientOf[index] !== undefined)
      ? tf.engine().makeTensorFromTensorInfo(heap.makeOutput(refs[index]!.variable.shape, 'float32'))
      : undefined,
  );
  const slot = (kind: string, index: number): number => {
    const tensor = state.slots[kind]?.[index];
    if (!tensor) return 0;
    if (heap.refCount(tensor.dataId) > 1)
      put(
        state,
        kind,
        index,
        tf.tidy(() => tf.mul(tensor, 1)),
      );
    return address(state.slots[kind]![index]!);
  };
  const places = variables.map((_, index) => [
    made[index] ? address(made[index]) : address(refs[index]!.variable),
    slot('momentum', index),
    slot('gradient_accumulator', index),
    slot('average', index),
    gradientOf[index] ? address(gradientOf[index]) : 0,
  ]);
  const sources = refs.map(({ variable }, index) => (made[index] ? address(variable) : 0));
  const base = address(state.scratch);

  const { HEAPU8: bytes } = heap.wasm;
  view(bytes.buffer);
  const word = base / 4;
  const kernel = instantiate(writeNumbers(plan, step, word), memoryOf(heap)!);
  variables.forEach(({ group, decays, overwrites }, index) => {
    const record = word + plan.records + at.RECORD * index;
    const size = 4 * refs[index]!.variable.size;
    words.set(places[index]!, record);
    words[record + at.SIZE] = size;
    words[record + at.RATES_AT] = base + 4 * (at.NUMBERS + at.RATES * group);
    words[record + at.OVERWRITES] = overwrites ? 1 : 0;
    words[record + at.DECAYS] = decays ? -1 : 0;
    if (made[index] && !overwrites) bytes.copyWithin(places[index]![0]!, sources[index]!, sources[index]! + size);
  });
  indices.forEach((index, j) => (words[word + plan.order + j] = base + 4 * (plan.records + at.RECORD * index)));
  const flags = (step.phase === 'update' ? at.UPDATE : 0) | (step.ordinary ? at.ORDINARY : 0);
  const { length: count } = variables;
  const taken = kernel(base, base + 4 * plan.records, count, base + 4 * plan.order, indices.length, flags) !== 0;
  made.forEach((tensor, index) => {
    if (!tensor) return;
    if (taken) refs[index]!.variable.assign(tensor);
    tensor.dispose();
  });
  if (taken && flags === (at.UPDATE | at.ORDINARY)) takeFigures(state, base);
  return taken;
}

/** Writes a divisor, or its inverse where multiplying by that gives the same bits: whether it is no power of two. */
function writeDivisor(to: number, divisor: number): boolean {
  floats[to] = divisor;
  if (words[to]! << 9 || words[to]! - 0x800000 >= 0x7e800000) return true;
  floats[to] = 1 / divisor;
  return false;
}

/** Writes the numbers of a step; gives the options for it. */
function writeNumbers({ options, groups }: Plan, step: Step, word: number): number {
  floats[word + at.LIMIT] = step.clipLimit;
  floats[word + at.INVERSE] = 1 / step.clipLimit;
  floats[word + at.KEEP] = step.averageMomentum;
  floats[word + at.MIX] = 1 - floats[word + at.KEEP]!;
  let r = word + at.NUMBERS;
  for (let i = 0; i < groups; i++) {
    const { learningRate, momentum, weightDecay } = step.rates[i]!;
    floats[r++] = learningRate;
    floats[r++] = momentum;
    floats[r++] = weightDecay;
  }
  return (
    options |
    (options & at.UNSCALE && writeDivisor(word + at.SCALE, step.lossScale) ? at.UNSCALE_DIVIDES : 0) |
    (options & at.ACCUMULATE && writeDivisor(word + at.COUNT, step.accumulationSteps) ? at.MEAN_DIVIDES : 0) |
    (options & at.AVERAGE && step.averageOverwrite ? at.AVERAGE_OVERWRITES : 0)
  );
}

function takeFigures(state: State, base: number): void {
  const { measure: measures } = state.program;
  if (measures.size === 0) return;
  const sums = new Float64Array(floats.buffer, base + 4 * at.SQUARES, 4);
  if (measures.has('gradient-norm')) measure(state, 'gradient-norm', sums[0]! + sums[1]!);
  if (measures.has('update-norm')) measure(state, 'update-norm', sums[2]! + sums[3]!);
}
