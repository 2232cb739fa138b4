import type { Kernel, Pass, TracedValue } from '@sgd/core/engine';
import { ROW } from './arena.ts';
import { Emitter, squaredIn } from './emitter.ts';
import { FLOAT } from './onnx.ts';
import { nextName, PassDraft, type PassModel, passesOf, type Store, storesOf, type Target } from './pass-model.ts';
import { rowFigures, sumRows } from './row-figures.ts';

/** The column that is 1 in rows of variables with a gradient, and 0 in others. */
export const GIVEN = 'given.';

/** Matrices, whose rows belong to variables: numbers may differ from row to row. */
const gpuTarget: Target = {
  type: FLOAT,
  onGpu: true,
  array: ['n', ROW],
  number: (name) => [name, 1],
  figures: rowFigures,
  isFactorWide: false,
};

/** What is computed for the variables of a kind. */
export interface GpuKernels {
  /** For variables with a gradient; `null`: no variable has one. */
  readonly update: Kernel | null;
  /** For variables without; `null`: all have one. */
  readonly missing: Kernel | null;
  /** The norm over all, where it is found within the model that updates, so that nothing waits for the device. */
  readonly norm: { readonly squares: Kernel; readonly factor: Kernel } | null;
  /** Whether the first pass counts elements of gradients that are not finite. */
  readonly countsBad: boolean;
}

/** The model of a pass that only reads. */
export function readModel(sums: readonly TracedValue[], countsBad: boolean): PassModel {
  const draft = new PassDraft(gpuTarget);
  if (countsBad) draft.countBad();
  draft.sum(sums);
  return draft.finish();
}

/** The model of the pass that writes; `null` where nothing is written. */
export function writeModel({ update, missing, norm, countsBad }: GpuKernels, isFirst: boolean): PassModel | null {
  const [pass, other] = [update, missing].map((kernel) => kernel && lastPass(kernel));
  const mustCount = countsBad && isFirst;
  if (!pass && !other && !mustCount) return null;
  const draft = new PassDraft(gpuTarget);
  if (mustCount) draft.countBad();
  if (norm !== null && update !== null) addFactor(draft, update, norm, missing !== null);
  const stores = update !== null && pass ? storesOf(update, pass) : [];
  const others = missing !== null && other ? storesOf(missing, other) : [];
  if (update !== null && missing !== null) choose(draft, stores, others);
  else draft.store([...stores, ...others]);
  draft.observe(pass?.observations ?? []);
  return draft.finish();
}

/** The pass that writes. */
const lastPass = (kernel: Kernel): Pass | undefined =>
  passesOf(kernel, false, true).find(({ sums }) => sums.length === 0);

/** Adds the factor of the norm over all gradients. */
function addFactor(
  draft: PassDraft,
  update: Kernel,
  { squares, factor }: { readonly squares: Kernel; readonly factor: Kernel },
  isMasked: boolean,
): void {
  const { graph, emitter } = draft;
  const wanted = update.numbers.find(({ kind, name }) => kind === 'scalar' && name === 'clipFactor');
  const squared = squaredIn(squares.results[0]!)!;
  if (wanted === undefined) return;
  emitter.add([squared]);
  const product = graph.node('Mul', [emitter.nodeOf(squared), emitter.nodeOf(squared)]);
  const rows = sumRows(graph, product, { keepdims: 1 });
  const counted = isMasked ? graph.node('Where', [isGiven(draft), rows, emitter.ops.constant(0)]) : rows;
  const total = graph.node('ReduceSum', [counted], { attributes: { keepdims: 0 } });
  const own = new Emitter(graph, draft.target, {
    like: () => total,
    leaf: (value) => {
      if (value.kind === 'scalar') return draft.number(value);
      return value.kind === 'sum' ? total : undefined;
    },
  });
  own.add([factor.results[0]!]);
  emitter.define(wanted, own.nodeOf(factor.results[0]!));
}

const isGiven = (draft: PassDraft): string =>
  draft.graph.node('Greater', [draft.column(GIVEN), draft.emitter.ops.constant(0)]);

/** Takes the values of variables with a gradient, or those of variables without, row by row. */
function choose(draft: PassDraft, stores: readonly Store[], others: readonly Store[]): void {
  const { graph, emitter } = draft;
  emitter.add([...stores, ...others].map(({ value }) => value));
  const condition = isGiven(draft);
  const valueOf = (all: readonly Store[], tensor: string): TracedValue | undefined =>
    all.find((store) => store.tensor === tensor)?.value;
  for (const tensor of new Set([...stores, ...others].map((store) => store.tensor))) {
    const [one, other] = [valueOf(stores, tensor), valueOf(others, tensor)].map((value) =>
      value === undefined ? draft.tensor(tensor) : emitter.wide(value),
    );
    graph.node('Where', [condition, one!, other!], { output: nextName(tensor) });
    draft.giveNext(tensor);
  }
}
