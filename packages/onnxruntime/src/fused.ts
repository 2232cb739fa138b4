import { type Backend, type FloatArray, type Program, type Session, SgdError, type Slot, type Step } from '@sgd/core';
import { StepDefinition } from '@sgd/core/engine';
import { newArray } from './blocks.ts';
import { deviceOf, newGuarded } from './device.ts';
import { create, type Engine, enqueue } from './engine.ts';
import { trainerModel } from './export.ts';
import { download, type GpuBuffer } from './gpu.ts';
import type { OrtTensor, OrtTensors } from './ort.ts';
import type { Source } from './source.ts';
import { newTail, type Parameter, type Tail } from './tail.ts';
import { onGpu, sizeOf } from './tensor.ts';

/** One run of the model: in the place of gradients, which never leave it. */
export interface Call {
  readonly feeds: OrtTensors;
  readonly fetches: readonly string[];
  /** What came out: the loss, and what was asked for. */
  made: OrtTensors;
}

/** What the model of a session was made of. */
export interface FusedModel {
  readonly program: Program;
  readonly definition: StepDefinition;
  readonly tail: Tail;
}

/** The engine whose step is a run of the model, update included. */
export interface Fused extends Backend<Parameter, Call, 'async'> {
  /** What the model was made of, once it is open. */
  readonly model: () => FusedModel;
}

/** The numbers of a step, in the order of the tail. */
export function numbersOf({ definition: { scalars }, tail }: FusedModel, step: Step): number[] {
  scalars.fill(step);
  return tail.numbers.map(({ name, isPhase }) => {
    if (isPhase) return step.phase === 'update' ? 1 : 0;
    return scalars.of[0]![scalars.names.indexOf(name)]!;
  });
}

const unsupported = (what: string): never => {
  throw new SgdError('SGD_UNSUPPORTED', `a training session ${what}`);
};

/** An engine for a model: its variables are the parameters, and a gradient of theirs is a call. */
export function newFused(engine: Engine, source: Source): Fused {
  let model: FusedModel | undefined;
  return {
    contract: 2,
    name: 'onnxruntime',
    mode: 'async',
    supports: new Set([
      'weight-decay',
      'accumulation',
      'average',
      'finite-check',
      'clip-value',
      'clip-norm',
      'clip-global-norm',
      'float64',
      'pow',
      'sum',
    ] as const),
    tolerance: { rtol: 2 ** -52, atol: 0 },
    variable: () => unsupported('has its parameters in the model'),
    gradient: () => unsupported('has its gradients in the model'),
    free() {},
    describe: (variable) => variable,
    refuses: () => null,
    open: (program) =>
      enqueue(engine.ort, async () => {
        if (program.unscale && !source.seed) unsupported('can scale the loss only where the model has a seed input');
        const { parameters, parsed } = source;
        const definition = new StepDefinition(program);
        const tail = newTail({ program, definition, parameters, parsed, onGpu: engine.gpu });
        model = { program, definition, tail };
        return openFused(engine, source, model);
      }),
    model: () => model!,
  };
}

async function openFused(
  engine: Engine,
  source: Source,
  model: FusedModel,
): Promise<Session<Parameter, Call, 'async'>> {
  const { ort, gpu } = engine;
  const { Tensor } = ort;
  const { parameters, loss, seed } = source;
  const { program, tail } = model;
  const { numbers, states, bad } = tail;
  const { dtype } = parameters[0]!;
  const session = await create(
    engine,
    trainerModel(source, tail),
    gpu ? { preferredOutputLocation: Object.fromEntries(states.map(({ output }) => [output, 'gpu-buffer'])) } : {},
  );
  const device = gpu
    ? await deviceOf(engine).catch(async (error: unknown) => {
        await session.release();
        throw error;
      })
    : undefined;
  const queued = device ? newGuarded(engine, device) : <T>(job: () => Promise<T>) => enqueue(ort, job);
  const values = new Map<string, OrtTensor>();
  const put = (input: string, tensor: OrtTensor): void => {
    const old = values.get(input);
    values.set(input, tensor);
    // under averages that overwrite two inputs are one tensor
    if (old && ![...values.values()].includes(old)) old.dispose();
  };
  for (const { slot, parameter, input, initial } of states) {
    const { data, shape } = parameters[parameter]!;
    const first = slot === 'variable' ? data.slice() : newArray(dtype, data.length).fill(initial);
    put(input, new Tensor(dtype, first, shape));
  }
  const scalars = numbers.map(() => newArray(dtype, 1));
  const fixed: Record<string, OrtTensor> = {};
  numbers.forEach(({ input }, i) => (fixed[input] = new Tensor(dtype, scalars[i]!, [])));
  const seeded = newArray(dtype, seed ? sizeOf(seed.dims) : 0);
  if (seed) fixed[seed.name] = new Tensor(dtype, seeded, seed.dims);

  const step = async (now: Step, call: Call): Promise<boolean> => {
    const { feeds, fetches } = call;
    numbersOf(model, now).forEach((number, i) => (scalars[i]![0] = number));
    seeded.fill(program.unscale ? now.lossScale : 1);
    const outputs = [...states.map(({ output }) => output), loss, ...fetches, ...(bad ? [bad] : [])];
    const made = await session.run(
      { ...feeds, ...Object.fromEntries(values), ...fixed },
      Object.fromEntries(outputs.map((name) => [name, null])),
    );
    call.made = made;
    const taken = !bad || (made[bad]!.data as FloatArray)[0] === 0;
    for (const { input, output } of states) {
      if (taken) put(input, made[output]!);
      else made[output]!.dispose();
    }
    if (taken && now.averageOverwrite) assign();
    return taken;
  };

  const inputOf = (slot: Slot, index: number): string | undefined =>
    states.find((state) => state.slot === slot && state.parameter === index)?.input;
  const find = (slot: Slot, index: number, length?: number): string => {
    const input = inputOf(slot, index);
    const size = parameters[index]?.data.length;
    if (input !== undefined && (length ?? size) === size) return input;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${input && size}, got ${length}`);
  };
  const assign = (): void => {
    parameters.forEach((_, i) => put(find('variable', i), values.get(find('average', i))!));
  };
  const read = async (tensor: OrtTensor): Promise<FloatArray> => {
    if (!onGpu(tensor)) return (tensor.data as FloatArray).slice();
    const whole = { buffer: tensor.gpuBuffer as GpuBuffer, offset: 0, bytes: sizeOf(tensor.dims) * 4 };
    return (await download(device!, [whole]))[0]!;
  };

  return {
    variables: parameters,
    step: (now, [call, ...rest]) =>
      queued(async () => {
        if (rest.length + 1 < parameters.length) unsupported('trains all its parameters: leave out what is frozen');
        return step(now, call!);
      }),
    averages: (action) =>
      queued(async () => {
        if (action === 'assign') return assign();
        parameters.forEach((_, i) => {
          const [variable, average] = [find('variable', i), find('average', i)];
          const [x, a] = [values.get(variable)!, values.get(average)!];
          values.set(variable, a).set(average, x);
        });
      }),
    read: (entries) =>
      queued(() => Promise.all(entries.map(({ slot, index }) => read(values.get(find(slot, index))!)))),
    write: (entries) =>
      queued(async () => {
        const inputs = entries.map(({ slot, index, values: { length } }) => find(slot, index, length));
        inputs.forEach((input, j) => {
          const copy = newArray(dtype, entries[j]!.values.length);
          copy.set(entries[j]!.values);
          put(input, new Tensor(dtype, copy, parameters[entries[j]!.index]!.shape));
        });
      }),
    dispose: () =>
      enqueue(ort, async () => {
        for (const tensor of new Set(values.values())) tensor.dispose();
        await session.release();
      }),
  };
}
