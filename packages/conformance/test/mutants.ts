import type { Constraint, FloatArray, Program, Session, Slot, Step, WriteEntry } from '@sgd/core';
import { cpu } from '@sgd/cpu';
import { type AnyBackend, derive } from '../src/backend.ts';

type AnySession = Session<unknown, unknown, 'async'>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };
const R = Math.fround;
const zero = 0;

/** One call of `step`, with the slots within reach. Whatever a hook replaces is what the engine gets. */
interface Call {
  readonly program: Program;
  step: Writable<Step>;
  gradients: readonly unknown[];
  indices: readonly number[];
  read(slot: Slot, index: number): Promise<FloatArray>;
  write(slot: Slot, index: number, values: ArrayLike<number>): Promise<void>;
  /** Variables that have this slot. */
  having(slot: Slot): number[];
}

/** What a mutant does otherwise. */
interface Hooks {
  readonly backend?: (backend: AnyBackend) => Partial<AnyBackend>;
  readonly program?: (program: Program) => Program;
  readonly session?: (session: AnySession, program: Program) => Partial<AnySession>;
  /** Runs before the engine's step; what it returns runs after it. */
  readonly step?: (call: Call) => unknown;
  /** Takes the place of the engine's step. */
  readonly instead?: (call: Call, engine: () => Promise<boolean>) => Promise<boolean>;
}

export interface Mutant {
  readonly name: string;
  /** A room that must catch it. */
  readonly room: string;
  readonly hooks: Hooks;
}

/** The host values of a gradient of cpu's. */
const valuesOf = (gradient: unknown): FloatArray =>
  (ArrayBuffer.isView(gradient) ? gradient : (gradient as { data: unknown }).data) as FloatArray;
const mapped = (gradient: unknown, f: (g: number) => number): unknown => ({
  data: valuesOf(gradient).map(f),
  shape: (gradient as { shape: number[] }).shape,
});
const variablesOf = (
  program: Program,
  change: (variable: Program['variables'][number]) => Partial<Program['variables'][number]>,
): Program => ({
  ...program,
  variables: program.variables.map((variable) => ({ ...variable, ...change(variable) })),
});

/** `cpu()` as an asynchronous backend with something wrong. */
export function mutate({
  backend: members,
  program: rewrite,
  session: override,
  step: around,
  instead,
}: Hooks): AnyBackend {
  const base = cpu() as unknown as AnyBackend;
  const programs = new Map<Program, Program>();
  const open: AnyBackend['open'] = async (given, variables) => {
    const program = rewrite ? rewrite(given) : given;
    programs.set(given, program);
    const inner = (await base.open(program, variables)) as unknown as AnySession;
    const session: AnySession = {
      get variables() {
        return inner.variables;
      },
      step: async (step, gradients, indices) => {
        const call: Call = {
          program: given,
          step: { ...step },
          gradients,
          indices,
          read: async (slot, index) => (await inner.read([{ slot, index }]))[0]!,
          write: async (slot, index, values) => {
            const data =
              given.variables[index]!.dtype === 'float64' ? Float64Array.from(values) : Float32Array.from(values);
            await inner.write([{ slot, index, values: data }]);
          },
          having: (slot) =>
            given.variables.flatMap((variable, i) => {
              const has =
                slot === 'variable' ||
                (slot === 'gradient_accumulator' && given.accumulates) ||
                (!variable.overwrites &&
                  (slot === 'average' ? given.averages : given.slots.some(({ name }) => name === slot)));
              return has ? [i] : [];
            }),
        };
        const after = (await around?.(call)) as ((taken: boolean) => Promise<void>) | undefined;
        const engine = async (): Promise<boolean> => inner.step(call.step, call.gradients, call.indices);
        const taken = instead ? await instead(call, engine) : await engine();
        await after?.(taken);
        return taken;
      },
      averages: async (action) => inner.averages(action),
      read: (entries) => inner.read(entries),
      write: (entries) => inner.write(entries),
      measured: () => inner.measured!(),
      dispose: async () => inner.dispose(),
    };
    return override
      ? (Object.assign(Object.create(null), bound(session), override(session, given)) as AnySession)
      : session;
  };
  const async = derive(base, { name: 'mutant', mode: 'async', open });
  // the program that the engine knows is the rewritten one
  const known = derive(async, {
    refuses: (gradient, index, program) => base.refuses(gradient, index, programs.get(program) ?? program),
  });
  return members ? derive(known, members(known)) : known;
}

function bound(session: AnySession): AnySession {
  const copy = { ...session };
  Object.defineProperty(copy, 'variables', { get: () => session.variables, enumerable: true });
  return copy;
}

/** Puts what a step did to some slots back. */
async function restoring(call: Call, slot: Slot, indices: readonly number[]): Promise<() => Promise<void>> {
  const kept = await Promise.all(indices.map((index) => call.read(slot, index)));
  return async () => {
    for (const [j, index] of indices.entries()) await call.write(slot, index, kept[j]!);
  };
}

const isPlain = ({ program }: Call): boolean => !program.accumulates && !program.unscale;
const updates = ({ step }: Call): boolean => step.phase === 'update' && step.ordinary;
const missing = (call: Call, slot: Slot): number[] =>
  call.having(slot).filter((index) => !call.indices.includes(index));
const rateOf = ({ program, step }: Call, index: number): Step['rates'][number] =>
  step.rates[program.variables[index]!.group]!;
const withoutDecay = (program: Program): Program => variablesOf(program, () => ({ decays: false }));
const withoutClip = (program: Program): Program => ({
  ...program,
  clip: program.accumulates || program.unscale ? program.clip : 'none',
});

/** Decays the given variables as the function says. */
async function decay(call: Call, f: (x: number, wd: number, lr: number) => number): Promise<void> {
  if (!updates(call)) return;
  for (const index of call.indices) {
    if (!call.program.variables[index]!.decays) continue;
    const { weightDecay, learningRate } = rateOf(call, index);
    const x = await call.read('variable', index);
    await call.write(
      'variable',
      index,
      x.map((value) => f(value, R(weightDecay), R(learningRate))),
    );
  }
}

const norm = (gradient: unknown): number => Math.hypot(...valuesOf(gradient));
const clean = (array: ArrayLike<number>, upTo = array.length): boolean =>
  Array.from(array).slice(0, upTo).every(Number.isFinite);
/** Whether an element is not finite that the program looks for. */
const sees = ({ program, gradients }: Call): boolean =>
  program.finiteCheck && !gradients.every((g) => clean(valuesOf(g)));
const overflows = ({ gradients }: Call): boolean => gradients.some((g) => R(norm(g) ** 2) === Infinity);
const dropped = new WeakSet<Program>();
const noCheck = (program: Program): Program => ({ ...program, finiteCheck: false });
const withNesterov = (program: Program, nesterov: boolean): Program => ({
  ...program,
  configs: program.configs.map((config) => ({ ...config, nesterov })),
});
const isNesterov = ({ configs, slots }: Program): boolean =>
  slots.length > 0 && configs.some((config) => (config as { readonly nesterov?: boolean }).nesterov === true);
const kept = new WeakMap<Program, Map<number, FloatArray>>();

export const mutants: readonly Mutant[] = [
  { name: 'ignores nesterov', room: 'values', hooks: { program: (p) => withNesterov(p, false) } },
  { name: 'nesterov always', room: 'values', hooks: { program: (p) => withNesterov(p, true) } },
  {
    name: 'nesterov in two additions, as torch does it',
    room: 'values',
    hooks: {
      step: async (call) => {
        if (!isNesterov(call.program) || !isPlain(call) || call.program.clip !== 'none' || call.program.averages)
          return;
        const before = await Promise.all(call.indices.map((index) => call.read('variable', index)));
        return async () => {
          for (const [j, index] of call.indices.entries()) {
            const { learningRate, weightDecay, options } = rateOf(call, index);
            const { decays, overwrites, constraint } = call.program.variables[index]!;
            if (overwrites || constraint) continue;
            const [m, g] = [await call.read('momentum', index), valuesOf(call.gradients[j])];
            const [lr, b, wd] = [R(learningRate), R(options[0]!), R(weightDecay)];
            const x = before[j]!.map((value) => (decays ? R(value - R(R(value * wd) * lr)) : value));
            await call.write(
              'variable',
              index,
              x.map((value, i) => R(R(value - R(g[i]! * lr)) + R(m[i]! * b))),
            );
          }
        };
      },
    },
  },
  {
    name: 'decay after the update',
    room: 'values',
    hooks: { program: withoutDecay, step: (call) => () => decay(call, (x, wd, lr) => R(x - R(R(x * wd) * lr))) },
  },
  {
    name: 'decay as x*(wd*lr)',
    room: 'rounding',
    hooks: { program: withoutDecay, step: (call) => decay(call, (x, wd, lr) => R(x - R(x * R(wd * lr)))) },
  },
  {
    name: 'decay as x*(1-wd*lr), as torch does it',
    room: 'values',
    hooks: { program: withoutDecay, step: (call) => decay(call, (x, wd, lr) => R(x * R(1 - R(wd * lr)))) },
  },
  { name: 'ignores weight decay', room: 'values', hooks: { program: withoutDecay } },
  {
    name: 'ignores weight decay in groups',
    room: 'combinations',
    hooks: { program: (p) => variablesOf(p, ({ group, decays }) => ({ decays: decays && group === 0 })) },
  },
  {
    name: 'decays what is excluded',
    room: 'values',
    hooks: {
      program: (p) =>
        variablesOf(p, ({ overwrites }) => ({ decays: !overwrites && p.variables.some((v) => v.decays) })),
    },
  },
  { name: 'ignores groups', room: 'combinations', hooks: { program: (p) => variablesOf(p, () => ({ group: 0 })) } },
  {
    name: 'multiplies by the inverse of the loss scale',
    room: 'rounding',
    hooks: {
      step: (call) => {
        if (!call.program.unscale || call.program.finiteCheck) return;
        const inverse = R(1 / R(call.step.lossScale));
        call.step.lossScale = 1;
        call.gradients = call.gradients.map((g, j) =>
          call.program.variables[call.indices[j]!]!.overwrites ? g : mapped(g, (x) => x * inverse),
        );
      },
    },
  },
  { name: 'ignores the loss scale', room: 'values', hooks: { step: (call) => void (call.step.lossScale = 1) } },
  {
    name: 'unscales what overwrites',
    room: 'values',
    hooks: {
      step: (call) => {
        const { unscale, variables } = call.program;
        if (unscale)
          call.gradients = call.gradients.map((g, j) =>
            variables[call.indices[j]!]!.overwrites ? mapped(g, (x) => x / call.step.lossScale) : g,
          );
      },
    },
  },
  {
    name: 'sums micro-batches instead of taking their mean',
    room: 'values',
    hooks: { step: (call) => void (call.step.accumulationSteps = 1) },
  },
  {
    name: 'resets accumulators by multiplying with 0',
    room: 'finiteness',
    hooks: {
      step: async (call) => {
        if (!call.program.accumulates || !updates(call)) return;
        const indices = call.having('gradient_accumulator');
        const before = await Promise.all(indices.map((index) => call.read('gradient_accumulator', index)));
        return async (taken: boolean) => {
          if (!taken) return;
          for (const [j, index] of indices.entries())
            await call.write(
              'gradient_accumulator',
              index,
              before[j]!.map((a) => a * zero),
            );
        };
      },
    },
  },
  {
    name: 'resets only the accumulators of given variables',
    room: 'values',
    hooks: {
      step: (call) =>
        call.program.accumulates && updates(call)
          ? restoring(call, 'gradient_accumulator', missing(call, 'gradient_accumulator'))
          : undefined,
    },
  },
  {
    name: 'average seeded with zeros',
    room: 'values',
    hooks: { step: (call) => void (call.step.averageMomentum ||= 0.99) },
  },
  {
    name: 'never overwrites by the average',
    room: 'values',
    hooks: { step: (call) => void (call.step.averageOverwrite = false) },
  },
  {
    name: 'averages only the variables that were given',
    room: 'values',
    hooks: {
      step: (call) => (call.program.averages ? restoring(call, 'average', missing(call, 'average')) : undefined),
    },
  },
  {
    name: 'average does not move on accumulating steps',
    room: 'values',
    hooks: {
      step: (call) =>
        call.program.averages && call.step.phase === 'accumulate' && !call.step.averageOverwrite
          ? restoring(call, 'average', call.having('average'))
          : undefined,
    },
  },
  {
    name: 'clips to the norm only above the limit',
    room: 'rounding',
    hooks: {
      program: (p) => (p.clip === 'norm' ? withoutClip(p) : p),
      step: (call) => {
        if (call.program.clip !== 'norm' || !isPlain(call)) return;
        const c = R(call.step.clipLimit);
        call.gradients = call.gradients.map((g) => (norm(g) > c ? mapped(g, (x) => R(x * c) / R(norm(g))) : g));
      },
    },
  },
  {
    name: 'sums squares in float64',
    room: 'rounding',
    hooks: {
      program: (p) => (p.clip === 'norm' ? withoutClip(p) : p),
      step: (call) => {
        if (call.program.clip !== 'norm' || !isPlain(call)) return;
        const c = R(call.step.clipLimit);
        call.gradients = call.gradients.map((g) => mapped(g, (x) => R(x * c) / Math.max(R(norm(g)), c)));
      },
    },
  },
  {
    name: 'clips each gradient alone under a global norm',
    room: 'values',
    hooks: { program: (p) => ({ ...p, clip: p.clip === 'global-norm' ? 'norm' : p.clip }) },
  },
  {
    name: 'rounds the limit before taking its inverse',
    room: 'rounding',
    hooks: { step: (call) => void (call.step.clipLimit = R(call.step.clipLimit)) },
  },
  {
    name: 'adds the global norm in build order',
    room: 'rounding',
    hooks: {
      step: (call) => {
        const order = call.indices.map((_, j) => j).sort((a, b) => call.indices[a]! - call.indices[b]!);
        [call.gradients, call.indices] = [order.map((j) => call.gradients[j]), order.map((j) => call.indices[j]!)];
      },
    },
  },
  {
    name: 'clips NaN to the limit',
    room: 'values',
    hooks: {
      step: (call) =>
        void (
          call.program.clip === 'value' &&
          (call.gradients = call.gradients.map((g) => mapped(g, (x) => (Number.isNaN(x) ? call.step.clipLimit : x))))
        ),
    },
  },
  { name: 'does not check for finite gradients', room: 'finiteness', hooks: { program: noCheck } },
  {
    name: 'does not look at the last element',
    room: 'finiteness',
    hooks: {
      program: noCheck,
      instead: async (call, engine) =>
        call.program.finiteCheck && !call.gradients.every((g) => clean(valuesOf(g), valuesOf(g).length - 1))
          ? false
          : engine(),
    },
  },
  {
    name: 'looks only at the first gradient',
    room: 'finiteness',
    hooks: {
      program: noCheck,
      instead: async (call, engine) =>
        call.program.finiteCheck && !clean(valuesOf(call.gradients[0])) ? false : engine(),
    },
  },
  {
    name: 'takes overflow of the square for not finite',
    room: 'finiteness',
    hooks: {
      instead: async (call, engine) =>
        call.program.finiteCheck && call.gradients.some((g) => !Number.isFinite(R(norm(g) ** 2))) ? false : engine(),
    },
  },
  {
    name: 'checks after the first variable was written',
    room: 'finiteness',
    hooks: {
      instead: async (call, engine) => {
        const taken = await engine();
        if (!taken)
          await call.write(
            'variable',
            call.indices[0]!,
            (await call.read('variable', call.indices[0]!)).map((x) => x + 1),
          );
        return taken;
      },
    },
  },
  {
    name: 'writes into gradients',
    room: 'ownership',
    hooks: { step: (call) => () => Promise.resolve(call.gradients.forEach((g) => void (valuesOf(g)[0]! *= 0.5))) },
  },
  {
    name: 'scales gradients in place',
    room: 'ownership',
    hooks: {
      step: (call) => {
        if (!call.program.unscale || call.program.finiteCheck) return;
        for (const g of call.gradients) valuesOf(g).forEach((x, i, all) => void (all[i] = x / call.step.lossScale));
        call.step.lossScale = 1;
      },
    },
  },
  {
    name: 'keeps the first gradient as accumulator',
    room: 'ownership',
    hooks: {
      step: async (call) => {
        if (!call.program.accumulates) return;
        const mine = kept.get(call.program) ?? new Map<number, FloatArray>();
        kept.set(call.program, mine);
        for (const [index, values] of mine) await call.write('gradient_accumulator', index, values);
        const first = mine.size === 0;
        mine.clear();
        if (first && call.step.phase === 'accumulate' && !call.program.unscale)
          call.gradients.forEach((g, j) => mine.set(call.indices[j]!, valuesOf(g)));
      },
    },
  },
  {
    name: 'variable() does not copy',
    room: 'ownership',
    hooks: { backend: () => ({ variable: ({ data, shape, name }) => ({ data, shape: [...shape], name }) }) },
  },
  {
    name: 'gradient() does not copy',
    room: 'ownership',
    hooks: { backend: () => ({ gradient: ({ data, shape }) => ({ data, shape: [...shape] }) }) },
  },
  {
    name: 'trusts a gradient that it took before',
    room: 'ownership',
    hooks: {
      backend: (base) => {
        const fit = new WeakSet<object>();
        return {
          refuses(gradient, index, program) {
            const values: unknown = ArrayBuffer.isView(gradient) ? gradient : (gradient as { data?: unknown }).data;
            if (!ArrayBuffer.isView(values)) return base.refuses(gradient, index, program);
            const refused = fit.has(values) ? null : base.refuses(gradient, index, program);
            if (refused === null) fit.add(values);
            return refused;
          },
        };
      },
      // copies that are as long as the variables, of what is left of the gradients
      step: (call) => {
        call.gradients = call.gradients.map((gradient, j) => {
          const { shape, dtype } = call.program.variables[call.indices[j]!]!;
          const size = shape.reduce((n, d) => n * d, 1);
          const copy = dtype === 'float64' ? new Float64Array(size) : new Float32Array(size);
          copy.set(valuesOf(gradient).subarray(0, size));
          return { data: copy, shape };
        });
      },
    },
  },
  {
    name: 'read returns the live arrays',
    room: 'ownership',
    hooks: {
      session: (session) => ({
        read: async (entries) => {
          const copies = await session.read(entries);
          return entries.map(({ slot, index }, j) =>
            slot === 'variable' ? valuesOf(session.variables[index]) : copies[j]!,
          );
        },
      }),
    },
  },
  {
    name: 'read answers later than asked',
    room: 'state',
    hooks: {
      session: (session) => ({
        read: async (entries) => {
          await new Promise((resolve) => setTimeout(resolve, 2));
          return session.read(entries);
        },
      }),
    },
  },
  {
    name: 'writes entry by entry',
    room: 'contract',
    hooks: {
      session: (session) => ({
        write: async (entries: readonly WriteEntry[]) => {
          for (const entry of entries) await session.write([entry]);
        },
      }),
    },
  },
  {
    name: 'write keeps nothing of averages',
    room: 'state',
    hooks: {
      session: (session) => ({ write: (entries) => session.write(entries.filter(({ slot }) => slot !== 'average')) }),
    },
  },
  {
    name: 'write throws instead of rejecting',
    room: 'contract',
    hooks: {
      session: () => ({
        write: () => {
          throw new Error('no');
        },
      }),
    },
  },
  {
    name: 'averages: swap is assign',
    room: 'state',
    hooks: { session: (session) => ({ averages: async () => session.averages('assign') }) },
  },
  {
    name: 'averages: assign is swap',
    room: 'state',
    hooks: { session: (session) => ({ averages: async () => session.averages('swap') }) },
  },
  {
    name: 'momentum moves without a gradient',
    room: 'shapes',
    hooks: {
      step: (call) => async () => {
        if (call.program.slots.length === 0 || !updates(call)) return;
        for (const index of missing(call, 'momentum'))
          await call.write(
            'momentum',
            index,
            (await call.read('momentum', index)).map((m) => m * 0.9),
          );
      },
    },
  },
  {
    name: 'flushes subnormals to zero',
    room: 'rounding',
    hooks: {
      step: (call) => async () => {
        for (const index of call.indices)
          await call.write(
            'variable',
            index,
            (await call.read('variable', index)).map((x) => (Math.abs(x) < 2 ** -126 ? 0 : x)),
          );
      },
    },
  },
  {
    name: 'computes float64 in float32',
    room: 'values',
    hooks: {
      step: (call) => async () => {
        for (const index of call.indices)
          await call.write('variable', index, (await call.read('variable', index)).map(R));
      },
    },
  },
  {
    name: 'slots start with what was in memory',
    room: 'contract',
    hooks: {
      backend: (backend) => ({
        open: async (program, variables) => {
          const session = (await backend.open(program, variables)) as AnySession;
          if (program.slots.length > 0)
            await session
              .write([
                { slot: 'momentum', index: 0, values: new Float32Array(valuesOf(variables[0]).length).fill(1e-3) },
              ])
              .catch(() => {});
          return session;
        },
      }),
    },
  },
  {
    name: 'dispose takes the variables along',
    room: 'lifecycle',
    hooks: {
      session: (session) => ({
        dispose: async () => {
          for (const v of session.variables) valuesOf(v).fill(NaN);
          await session.dispose();
        },
      }),
    },
  },
  {
    name: 'keeps a copy of the variables of its own, and writes it back',
    room: 'lifecycle',
    hooks: {
      session: (session) => {
        const own: FloatArray[] = [];
        return {
          step: async (...args) => {
            own.forEach((values, i) => valuesOf(session.variables[i]).set(values));
            const taken = await session.step(...args);
            session.variables.forEach((variable, i) => (own[i] = valuesOf(variable).slice()));
            return taken;
          },
        };
      },
    },
  },
  {
    name: 'ignores constraints',
    room: 'values',
    hooks: { program: (p) => variablesOf(p, () => ({ constraint: null })) },
  },
  {
    name: 'constraints also where no gradient was given',
    room: 'values',
    hooks: {
      step: (call) => async () => {
        for (const [index, { constraint, shape }] of call.program.variables.entries()) {
          if (!constraint || call.indices.includes(index)) continue;
          const x = await call.read('variable', index);
          (constraint as Constraint)(x, shape);
          await call.write('variable', index, x);
        }
      },
    },
  },
  { name: 'takes gradients of any shape', room: 'refusal', hooks: { backend: () => ({ refuses: () => null }) } },
  {
    name: 'takes gradients of the right size, whatever their shape',
    room: 'refusal',
    hooks: {
      backend: (backend) => ({
        refuses: (g, index, program) =>
          ArrayBuffer.isView((g as { data?: unknown }).data) &&
          valuesOf(g).length === program.variables[index]!.shape.reduce((a, b) => a * b, 1)
            ? null
            : backend.refuses(g, index, program),
      }),
    },
  },
  {
    name: 'describes every variable as flat',
    room: 'ownership',
    hooks: { backend: (backend) => ({ describe: (v) => ({ ...backend.describe(v), shape: [valuesOf(v).length] }) }) },
  },
  {
    name: 'looks at elements only',
    room: 'norms',
    hooks: { program: noCheck, instead: async (call, engine) => !sees(call) && engine() },
  },
  {
    name: 'looks at norms where nothing is clipped by them',
    room: 'finiteness',
    hooks: { instead: async (call, engine) => !(call.program.finiteCheck && overflows(call)) && engine() },
  },
  {
    name: 'looks at norms of steps that accumulate',
    room: 'norms',
    hooks: {
      instead: async (call, engine) =>
        !(call.program.finiteCheck && call.step.phase === 'accumulate' && overflows(call)) && engine(),
    },
  },
  {
    name: 'looks at norms after it wrote what overwrites',
    room: 'norms',
    hooks: {
      instead: async (call, engine) => {
        const taken = await engine();
        for (const [j, index] of call.indices.entries())
          if (!taken && !sees(call) && call.program.variables[index]!.overwrites)
            await call.write('variable', index, valuesOf(call.gradients[j]));
        return taken;
      },
    },
  },
  {
    name: 'measures what is clipped',
    room: 'norms',
    hooks: {
      session: (session, { clip }) => ({
        measured: async () => {
          const { gradientNorm = 0, ...rest } = await session.measured!();
          return {
            ...rest,
            gradientNorm: clip === 'value' ? Math.min(gradientNorm, 0.1 * Math.sqrt(3)) : gradientNorm,
          };
        },
      }),
    },
  },
  {
    name: 'measures in float32',
    room: 'norms',
    hooks: {
      session: (session) => ({
        measured: async () => {
          const { gradientNorm = 0, updateNorm = 0 } = await session.measured!();
          return { gradientNorm: Math.sqrt(R(gradientNorm ** 2)), updateNorm: Math.sqrt(R(updateNorm ** 2)) };
        },
      }),
    },
  },
  {
    name: 'measures a step that is dropped',
    room: 'norms',
    hooks: {
      step: (call) => (taken: boolean) => Promise.resolve(void (taken || dropped.add(call.program))),
      session: (session, program) => ({
        measured: async () => {
          const measured = await session.measured!();
          return dropped.has(program) ? { ...measured, gradientNorm: Infinity } : measured;
        },
      }),
    },
  },
  {
    name: 'a norm over both types in float32',
    room: 'norms',
    hooks: {
      step: (call) => {
        if (call.program.clip !== 'global-norm' || call.program.variables.every(({ dtype }) => dtype === 'float32'))
          return;
        const f = R(1 / R(Math.hypot(...call.gradients.map(norm).map(R))));
        return async (taken: boolean) => {
          if (taken && valuesOf(call.gradients[0]) instanceof Float32Array)
            await call.write(
              'variable',
              0,
              valuesOf(call.gradients[0]).map((g) => -R(g * f)),
            );
        };
      },
    },
  },
  { name: 'calls itself synchronous', room: 'contract', hooks: { backend: () => ({ mode: 'sync' }) } },
  {
    name: 'measures before the mean is taken',
    room: 'combinations',
    hooks: {
      session: (session) => ({
        measured: async () => {
          const measured = await session.measured!();
          return { ...measured, gradientNorm: measured.gradientNorm! * 3 };
        },
      }),
    },
  },
  {
    name: 'swallows steps of empty variables',
    room: 'shapes',
    hooks: {
      instead: async (call, engine) =>
        call.program.variables.some(({ shape }) => shape.includes(0)) ? true : engine(),
    },
  },
  {
    name: 'tail of the array is left out',
    room: 'shapes',
    hooks: {
      step: async (call) => {
        const before = await Promise.all(call.indices.map((index) => call.read('variable', index)));
        return async () => {
          for (const [j, index] of call.indices.entries()) {
            const x = await call.read('variable', index);
            for (let i = x.length & ~3; i < x.length; i++) x[i] = before[j]![i]!;
            await call.write('variable', index, x);
          }
        };
      },
    },
  },
];
