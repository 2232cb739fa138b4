import type { DType, FloatArray } from '@sgd/core';
import { CHUNK, newArray } from './blocks.ts';
import { type Engine, load, unload } from './engine.ts';
import type { Model } from './models.ts';
import type { OrtSession, OrtTensor, OrtTensors } from './ort.ts';

/** A model that is loaded, for tensors on the host. */
export interface Kernel {
  readonly model: Model;
  /** Whether outputs lie on the inputs that they replace. */
  readonly inPlace: boolean;
  /** Runs it; what `x_` gave stands in the array of `x` afterwards. Gives the figures. */
  run(tensors: OrtTensors): Promise<OrtTensors>;
  dispose(): Promise<void>;
}

/** By model: whether outputs may lie on inputs. */
const verdicts = new WeakMap<Engine, Map<string, boolean>>();

const arrayOf = (tensor: OrtTensor): FloatArray => tensor.data as FloatArray;

/** Loads a model. */
export async function loadKernel(engine: Engine, model: Model, dtype: DType): Promise<Kernel> {
  const session = await load(engine, model.bytes);
  const known = verdicts.get(engine) ?? new Map<string, boolean>();
  verdicts.set(engine, known);
  const key = model.bytes.join();
  if (!known.has(key)) known.set(key, await mayOverlap(engine, session, model, dtype));
  const inPlace = known.get(key)!;
  const inputs = [...model.arrays, ...model.numbers];
  const replaced = inputs.filter((name) => model.outputs.includes(`${name}_`));
  return {
    model,
    inPlace,
    async run(tensors) {
      const feeds: Record<string, OrtTensor> = {};
      const fetches: Record<string, OrtTensor | null> = {};
      for (const name of inputs) feeds[name] = tensors[name]!;
      for (const name of model.outputs) fetches[name] = null;
      if (inPlace) for (const name of replaced) fetches[`${name}_`] = feeds[name]!;
      const made = await session.run(feeds, fetches);
      if (!inPlace) for (const name of replaced) arrayOf(feeds[name]!).set(arrayOf(made[`${name}_`]!));
      return made;
    },
    dispose: () => unload(engine, model.bytes),
  };
}

/** Runs a session; an output that nothing is given for is allocated. */
const run = (
  session: OrtSession,
  feeds: OrtTensors,
  outputs: readonly string[],
  into?: OrtTensors,
): Promise<OrtTensors> => session.run(feeds, Object.fromEntries(outputs.map((name) => [name, into?.[name] ?? null])));

/**
 * Whether this engine writes an output onto the memory of the input that it replaces, and gets the same: it is documented nowhere. Node's does,
 * as long as whatever reads the input comes before the node that writes; the web's ignores memory that is given for an output.
 */
async function mayOverlap({ ort }: Engine, session: OrtSession, model: Model, dtype: DType): Promise<boolean> {
  const states = model.outputs.filter((name) => name.endsWith('_'));
  if (states.length === 0) return true;
  const make = (): Record<string, OrtTensor> =>
    Object.fromEntries(
      [...model.arrays, ...model.numbers].map((name, n) => {
        const values = newArray(dtype, model.arrays.includes(name) ? CHUNK : 1);
        for (let i = 0; i < values.length; i++) values[i] = Math.sin(i * 0.7 + n + 1);
        return [name, new ort.Tensor(dtype, values, [values.length])];
      }),
    );
  const apart = make();
  const expected = await run(session, apart, model.outputs);
  const over = make();
  const got = await run(
    session,
    over,
    model.outputs,
    Object.fromEntries(states.map((name) => [name, over[name.slice(0, -1)]!])),
  );
  const equal = (a: OrtTensor, b: OrtTensor): boolean => arrayOf(a).every((value, i) => value === arrayOf(b)[i]);
  return (
    model.outputs.every((name) =>
      equal(expected[name]!, states.includes(name) ? over[name.slice(0, -1)]! : got[name]!),
    ) && Object.keys(apart).every((name) => states.includes(`${name}_`) || equal(apart[name]!, over[name]!))
  );
}
