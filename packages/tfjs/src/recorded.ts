import { type KernelOutputs, makeTracer, type StepDefinition, type TracedValue, type Tracer } from '@sgd/core/engine';

/** What a step does to a variable in one situation, recorded: the same operation on the same values is one value. */
export interface Recorded {
  readonly tracer: Tracer;
  /** The sum of squares of the gradient, where it counts for the norm over all. */
  readonly squaredNorm: TracedValue | undefined;
  readonly norms: readonly TracedValue[];
  readonly observations: NonNullable<KernelOutputs<TracedValue>['observations']>;
  /** New values by name. What is the tensor itself already is left out. */
  readonly assignments: readonly (readonly [name: string, value: TracedValue])[];
}

/** Records what a step does to a variable. */
export function record(definition: StepDefinition, index: number, situation: number): Recorded {
  const tracer = makeTracer();
  const all = (names: readonly string[], make: (name: string) => TracedValue): Record<string, TracedValue> =>
    Object.fromEntries(names.map((name) => [name, make(name)]));
  const tensors = all([...definition.tensorsOf(index).map(({ name }) => name), 'gradient'], (name) =>
    tracer.tensor(name),
  );
  const scalars = all(definition.scalars.names, (name) => tracer.scalar(name));
  const squares = definition.defineSquaredNorm(index, situation)?.(tracer, tensors, scalars);
  const update = definition.defineUpdate(index, situation)(tracer, tensors, scalars);
  const { assignments, norms = [], observations = [] } = update;
  return {
    tracer,
    squaredNorm: squares?.results?.[0],
    norms,
    observations,
    assignments: Object.entries(assignments).filter(([name, value]) => value.kind !== 'tensor' || value.name !== name),
  };
}
