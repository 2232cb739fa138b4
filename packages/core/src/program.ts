import { isObject, want } from './check.ts';
import type { Backend, Clip, Constraint, Feature, Measure, Program, Slot } from './contract.ts';
import { SgdError } from './errors.ts';
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

/** Makes the program; what names a variable that is not there is refused. */
export function makeProgram<V>(
  plan: Plan,
  variables: readonly BuiltVariable<V>[],
  lookup: Lookup<V>,
  { groups, groupOf, excluded, build }: Choices<V>,
): Program {
  const { overwriteWithGradient = [], constraints = {} } = build;
  want(Array.isArray(overwriteWithGradient), 'overwriteWithGradient', 'an array', overwriteWithGradient);
  want(isObject(constraints), 'constraints', 'a record by path', constraints);
  const overwriting = new Set(overwriteWithGradient.map((v) => lookup.index(v, null)));
  const spared = new Set(excluded.variables.map((v) => lookup.index(v, null)));
  const constraintOf = new Map<number, Constraint>();
  for (const [path, constraint] of Object.entries(constraints)) {
    want(typeof constraint === 'function', `constraints: "${path}"`, 'a function', constraint);
    constraintOf.set(lookup.index(path, null), constraint);
  }
  const slots = new Set<Exclude<Slot, 'variable'>>();
  if (plan.momentum) slots.add('momentum');
  if (plan.accumulation) slots.add('accumulator');
  if (plan.average) slots.add('average');
  const { unscale, clip, finiteCheck, measure } = plan;
  return {
    rule: 'sgd',
    slots,
    nesterov: plan.momentum && plan.nesterov,
    unscale,
    clip,
    finiteCheck,
    measure,
    variables: variables.map(({ path, name, shape, dtype }, i) => {
      const { frozen } = groups[groupOf[i] as number] as Group;
      // a frozen variable never reaches the engine: it needs no rates of its own
      const group = frozen ? 0 : (groupOf[i] as number);
      const overwrites = overwriting.has(i);
      const spares = overwrites || spared.has(i) || excluded.names.some((pattern) => pattern.test(name));
      const decays = !spares && !frozen && (groups[group] as Group).weightDecay !== null;
      return {
        path,
        shape,
        dtype,
        group,
        decays,
        overwrites,
        constraint: overwrites ? null : (constraintOf.get(i) ?? null),
      };
    }),
  };
}

function featuresOf(program: Program): Set<Feature> {
  const { slots, nesterov, clip, finiteCheck, measure, variables } = program;
  const needs: readonly (readonly [Feature, boolean])[] = [
    ['momentum', slots.has('momentum')],
    ['nesterov', nesterov],
    ['weight-decay', variables.some((v) => v.decays)],
    ['accumulation', slots.has('accumulator')],
    ['average', slots.has('average')],
    ['finite-check', finiteCheck],
    ['groups', variables.some((v) => v.group > 0)],
    ['measure', measure.size > 0],
    ['overwrite', variables.some((v) => v.overwrites)],
    ['constraint', variables.some((v) => v.constraint !== null)],
    ['float64', variables.some((v) => v.dtype === 'float64')],
  ];
  const features = new Set(needs.filter(([, needed]) => needed).map(([feature]) => feature));
  if (clip !== 'none') features.add(`clip-${clip}`);
  return features;
}

/** Refuses a program that needs what the backend does not declare. */
export function wantSupport(backend: Pick<Backend<never>, 'name' | 'supports'>, program: Program): void {
  const missing = [...featuresOf(program)].filter((feature) => !backend.supports.has(feature));
  if (missing.length > 0) {
    throw new SgdError(
      'SGD_UNSUPPORTED',
      `the backend "${backend.name}" does not support ${missing.join(', ')}, which the options need`,
    );
  }
}
