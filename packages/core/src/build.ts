import { ARRAY, isRecord, resolve, type Resolved, shown, type Spec, want } from './check.ts';
import type { Backend, Constraint, Feature, Mode, Program, ProgramVariable, Result, Session } from './contract.ts';
import { reading, refuse } from './errors.ts';
import { assignGroups, type Group, isPattern, stateless } from './groups.ts';
import { enter, type Machine, type Plan, run, wantUnbuilt } from './machine.ts';
import { clipOf } from './options.ts';
import { operationsOf, slotsOf } from './rules/check-rule.ts';
import { short } from './shown.ts';
import { type BuiltVariable, describeVariables, indexOf, type Variables } from './variables.ts';

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

const BUILD: Spec = {
  overwriteWithGradient: [[], ...ARRAY],
  constraints: [{}, isRecord, 'a record by path'],
};
const EXCLUSION: Spec = { variables: [[], ...ARRAY], names: [[], ...ARRAY] };

/** Takes note of what weight decay leaves alone. */
export function exclude<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  what: WeightDecayExclusion<V>,
  caller: unknown,
): void {
  const call = 'excludeFromWeightDecay';
  enter(machine, call, caller, true);
  wantUnbuilt(machine, call);
  const { variables, names } = resolve<Resolved<WeightDecayExclusion<V>>>(EXCLUSION, what, call);
  machine.excluded = reading(call, () => ({ variables: [...variables], names: names.map(toPattern) }));
}

function toPattern(source: string | RegExp): RegExp {
  want(isPattern(source), 'excludeFromWeightDecay: a name', 'a regular expression', source);
  try {
    return stateless(new RegExp(source));
  } catch (cause) {
    refuse('SGD_INVALID_OPTION', `excludeFromWeightDecay: ${shown(source)} is no regular expression`, cause);
  }
}

/** Opens a session on the variables. */
export function build<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  given: Variables<V>,
  options: BuildOptions<V>,
): Result<M, void> {
  wantUnbuilt(machine, 'build');
  let plan: Plan<V, G>;
  return run(
    machine,
    'build',
    () => open(machine, (plan = makePlan(machine, given, options))),
    (_, session: Session<V, G, M>) => {
      machine.built = { ...plan, session };
    },
    null,
    null,
  );
}

export function open<V, G, M extends Mode>(
  { backend }: Machine<V, G, M>,
  { program, variables }: Plan<V, G>,
): Result<M, Session<V, G, M>> {
  return backend.open(
    program,
    variables.map((v) => v.handle),
  );
}

/** Makes the program; what names a variable that is not there is refused. */
export function makePlan<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  given: Variables<V>,
  options: BuildOptions<V>,
): Plan<V, G> {
  const { backend, groups } = machine;
  const variables = describeVariables(backend, given);
  const known = new Map<unknown, number>();
  variables.forEach(({ path, handle }, i) => known.set(path, i).set(handle, i));
  const groupOf = assignGroups(
    groups,
    variables.map((v) => v.path),
  );
  const program = makeProgram(machine, variables, known, groupOf, options);
  wantSupport(backend, program);
  return {
    variables,
    known,
    program,
    roles: groupOf.map((group, i) =>
      (groups[group] as Group).frozen ? 'frozen' : program.variables[i]?.overwrites ? 'overwrites' : 'ordinary',
    ),
    gradients: [],
    indices: [],
    count: 0,
    frozen: 0,
    missing: [],
    missed: 0,
    seen: new Float64Array(variables.length),
    call: 0,
  };
}

function makeProgram<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  variables: readonly BuiltVariable<V>[],
  known: ReadonlyMap<unknown, number>,
  groupOf: readonly number[],
  options: BuildOptions<V>,
): Program {
  const { config, definition, extras, groups, scale, excluded } = machine;
  const { overwriteWithGradient, constraints } = resolve<Resolved<BuildOptions<V>>>(BUILD, options, 'build');
  const indices = (list: readonly (V | string)[]): Set<number> => new Set(list.map((v) => indexOf({ known }, v)));
  const overwriting = indices(overwriteWithGradient);
  const spared = indices(excluded.variables);
  const constraintOf = new Map<number, Constraint>();
  for (const [path, constraint] of Object.entries(constraints)) {
    want(typeof constraint === 'function', `constraints: ${short(path)}`, 'a function', constraint);
    constraintOf.set(indexOf({ known }, path), watched(machine, constraint));
  }
  const { rule } = definition;
  const configs = groups.map((group) => group.config);
  return {
    rule,
    configs,
    slots: slotsOf(rule, configs),
    accumulates: !!config.gradientAccumulationSteps,
    averages: config.useEma,
    unscale: scale !== null || config.lossScaleFactor !== null,
    clip: clipOf(config)[0],
    finiteCheck: scale !== null || extras.nonFinite !== 'keras',
    measure: new Set(extras.measure),
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

/** A constraint that the machine knows to have run. What an engine finds on it stays, such as a form that works on its tensors. */
function watched(machine: { constrained: boolean }, constraint: Constraint): Constraint {
  const run: Constraint = (data, shape) => {
    machine.constrained = true;
    constraint(data, shape);
  };
  return Object.assign(run, constraint);
}

/** Refuses a program that needs what the backend does not declare. */
function wantSupport(backend: Pick<Backend<never>, 'name' | 'supports'>, program: Program): void {
  const { clip, variables } = program;
  const any = (key: keyof ProgramVariable): boolean => variables.some((v) => v[key]);
  const operations = operationsOf(program);
  const needs: Readonly<Record<Feature, boolean>> = {
    'weight-decay': any('decays'),
    accumulation: program.accumulates,
    average: program.averages,
    'finite-check': program.finiteCheck,
    'clip-value': clip === 'value',
    'clip-norm': clip === 'norm',
    'clip-global-norm': clip === 'global-norm',
    groups: any('group'),
    measure: program.measure.size > 0,
    overwrite: any('overwrites'),
    constraint: any('constraint'),
    float64: variables.some((v) => v.dtype === 'float64'),
    pow: operations.has('pow'),
    sum: operations.has('sum'),
  };
  const missing = (Object.keys(needs) as Feature[]).filter((name) => needs[name] && !backend.supports.has(name));
  if (missing.length > 0)
    refuse(
      'SGD_UNSUPPORTED',
      `the backend "${backend.name}" does not have ${missing.join(', ')}, which the options need`,
    );
}
