import { ARRAY, isObject, resolve, type Resolved, type Spec, want } from './check.ts';
import type { Backend, Clip, Constraint, Feature, Measure, Program, ProgramVariable, Slot } from './contract.ts';
import { refuse } from './errors.ts';
import type { Group } from './groups.ts';
import type { BuiltVariable, Lookup } from './variables.ts';

/** What `build` takes beside the variables. */
export interface BuildOptions<V> {
  /**
   * Variables (or their paths) whose gradient is their new value: no clipping, decay, momentum, average or constraint.
   * With gradient accumulation the value becomes the largest of 0 and the gradients of the micro-batches (Keras rule).
   */
  readonly overwriteWithGradient?: readonly (V | string)[] | undefined;
  /** By path: run in place after each step in which the variable had a gradient, accumulating ones included. */
  readonly constraints?: Readonly<Record<string, Constraint>> | undefined;
}

/** Which variables weight decay leaves alone. */
export interface WeightDecayExclusion<V> {
  /** Variables or their paths. */
  readonly variables?: readonly (V | string)[] | undefined;
  /** Regular expressions, searched in the variable's name (what follows the last "/" of its path), case-sensitive. */
  readonly names?: readonly (string | RegExp)[] | undefined;
}

/** What the optimizer's options say about the program, whatever the variables. */
export interface Plan {
  readonly momentum: boolean;
  readonly nesterov: boolean;
  readonly accumulation: boolean;
  readonly average: boolean;
  readonly unscale: boolean;
  readonly clip: Clip;
  readonly finiteCheck: boolean;
  readonly measure: ReadonlySet<Measure>;
}

/** What the program needs to know about variables beside the plan. */
export interface Choices<V> {
  readonly groups: readonly Group[];
  readonly groupOf: readonly number[];
  readonly excluded: { readonly variables: readonly (V | string)[]; readonly names: readonly RegExp[] };
  readonly build: BuildOptions<V>;
}

const BUILD: Spec = {
  overwriteWithGradient: [[], ...ARRAY],
  constraints: [{}, isObject, 'a record by path'],
};

/** Makes the program; what names a variable that is not there is refused. */
export function makeProgram<V>(
  plan: Plan,
  variables: readonly BuiltVariable<V>[],
  lookup: Lookup<V>,
  { groups, groupOf, excluded, build }: Choices<V>,
): Program {
  const { overwriteWithGradient, constraints } = resolve<Resolved<BuildOptions<V>>>(BUILD, build, 'build');
  const overwriting = lookup.indices(overwriteWithGradient, 'overwriteWithGradient');
  const spared = lookup.indices(excluded.variables, 'excludeFromWeightDecay');
  const constraintOf = new Map<number, Constraint>();
  for (const [path, constraint] of Object.entries(constraints)) {
    want(typeof constraint === 'function', `constraints: ${path}`, 'a function', constraint);
    constraintOf.set(lookup.index(path), constraint);
  }
  const kept: Readonly<Record<Exclude<Slot, 'variable'>, boolean>> = {
    momentum: plan.momentum,
    accumulator: plan.accumulation,
    average: plan.average,
  };
  const { unscale, clip, finiteCheck, measure } = plan;
  return {
    rule: 'sgd',
    slots: trueOf(kept),
    nesterov: plan.momentum && plan.nesterov,
    unscale,
    clip,
    finiteCheck,
    measure,
    variables: variables.map(({ path, name, shape, dtype }, i) => {
      const own = groupOf[i] as number;
      const { frozen, weightDecay } = groups[own] as Group;
      const overwrites = overwriting.has(i);
      const spares = overwrites || frozen || spared.has(i) || excluded.names.some((pattern) => pattern.test(name));
      return {
        path,
        shape,
        dtype,
        // a frozen variable never reaches the engine: it needs no rates of its own
        group: frozen ? 0 : own,
        decays: !spares && weightDecay !== null,
        overwrites,
        constraint: (!overwrites && constraintOf.get(i)) || null,
      };
    }),
  };
}

function trueOf<K extends string>(record: Readonly<Record<K, boolean>>): Set<K> {
  return new Set((Object.keys(record) as K[]).filter((key) => record[key]));
}

/** Refuses a program that needs what the backend does not declare. */
export function wantSupport(backend: Pick<Backend<never>, 'name' | 'supports'>, program: Program): void {
  const { slots, clip, variables } = program;
  const any = (key: keyof ProgramVariable): boolean => variables.some((v) => v[key]);
  const needs: Readonly<Record<Feature, boolean>> = {
    momentum: slots.has('momentum'),
    nesterov: program.nesterov,
    'weight-decay': any('decays'),
    accumulation: slots.has('accumulator'),
    average: slots.has('average'),
    'finite-check': program.finiteCheck,
    'clip-value': clip === 'value',
    'clip-norm': clip === 'norm',
    'clip-global-norm': clip === 'global-norm',
    groups: any('group'),
    measure: program.measure.size > 0,
    overwrite: any('overwrites'),
    constraint: any('constraint'),
    float64: variables.some((v) => v.dtype === 'float64'),
  };
  const missing = [...trueOf(needs)].filter((feature) => !backend.supports.has(feature));
  if (missing.length > 0)
    refuse(
      'SGD_UNSUPPORTED',
      `the backend "${backend.name}" does not have ${missing.join(', ')}, which the options need`,
    );
}
