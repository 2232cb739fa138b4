import { Shader } from '@sgd/compile';
import type { Measure } from '@sgd/core';
import { makeKernel, NumberProgram, type StepDefinition, type TracedValue } from '@sgd/core/engine';
import { record } from '../recorded.ts';

/** A tensor that a step makes of a variable: a new value of its own or of a slot, or squares to be summed. */
export interface Made {
  readonly value: TracedValue;
  /** `null`: squares of a measure. */
  readonly name: string | null;
  readonly measure: Measure | null;
}

/** A program that makes some of them. */
export interface Writing {
  readonly shader: Shader;
  readonly made: readonly Made[];
}

/** A program that makes what is then summed. */
export interface Reading {
  readonly shader: Shader;
  readonly sums: readonly TracedValue[];
}

/** Whether a device can run a program: `inPlace` are the names of slots that it writes where they are. */
export type Fits = (shader: Shader, made: readonly Made[], inPlace: boolean) => boolean;

/** What a step does to a variable in one situation, in programs for a device. */
export class DevicePlan {
  readonly squaredNorm: TracedValue | undefined;
  readonly norms: readonly TracedValue[];
  /** Computes what the host knows. */
  readonly numbers: NumberProgram;
  /** In the order in which their sums need each other; that for the norm over all comes before all others. */
  readonly readings: readonly Reading[];
  readonly normReading: Reading | null;
  /** `null`: the device can't run what makes a single tensor. */
  readonly writings: readonly Writing[] | null;
  /** Whether slots may be written where they are: everything is read in the one program that writes. */
  readonly inPlace: boolean;

  constructor(definition: StepDefinition, index: number, situation: number, fits: Fits) {
    const { tracer, squaredNorm, norms, observations, assignments } = record(definition, index, situation);
    const made: Made[] = assignments.map(([name, value]) => ({ name, value, measure: null }));
    for (const { measure, value, minus } of observations) {
      const difference = minus === null ? value : tracer.sub(value, minus);
      made.push({ name: null, value: tracer.mul(difference, difference), measure });
    }
    const deviceScalars: ReadonlySet<string> = new Set(definition.hasGlobalNorm ? ['clipFactor'] : []);
    const results = [...made.map(({ value }) => value), ...(squaredNorm === undefined ? [] : [squaredNorm])];
    const kernel = makeKernel({ assignments: {}, results, norms });
    const read = (sums: readonly TracedValue[]): Reading => ({
      sums,
      shader: new Shader(
        sums.map((sum) => sum.operands[0] as TracedValue),
        deviceScalars,
      ),
    });
    this.squaredNorm = squaredNorm;
    this.norms = norms;
    this.numbers = new NumberProgram(kernel, 'float32', definition.scalars.names);
    this.normReading = squaredNorm === undefined ? null : read([squaredNorm]);
    this.readings = kernel.passes
      .map(({ sums }) => sums.filter((sum) => sum !== squaredNorm))
      .filter(isSome)
      .map(read);
    const single = new Shader(
      made.map(({ value }) => value),
      deviceScalars,
    );
    this.inPlace = fits(single, made, true);
    this.writings = this.inPlace
      ? [{ shader: single, made }].filter((writing) => isSome(writing.made))
      : split(made, deviceScalars, fits);
  }
}

const isSome = (list: readonly unknown[]): boolean => list.length > 0;

/** Into programs that fit, operands first: later ones read what earlier ones made. */
function split(made: readonly Made[], deviceScalars: ReadonlySet<string>, fits: Fits): Writing[] | null {
  const writings: Writing[] = [];
  const known = new Set<TracedValue>();
  let group: Made[] = [];
  let shader: Shader | null = null;
  const close = (): void => {
    if (shader === null) return;
    writings.push({ shader, made: group });
    for (const { value } of group) if (value.isWide) known.add(value);
    group = [];
    shader = null;
  };
  const tried = (all: readonly Made[]): Shader | null => {
    const one = new Shader(
      all.map(({ value }) => value),
      deviceScalars,
      known,
    );
    return fits(one, all, false) ? one : null;
  };
  for (const one of [...made].sort((a, b) => a.value.id - b.value.id)) {
    const grown: Shader | null = tried([...group, one]);
    if (grown === null) close();
    shader = grown ?? tried([one]);
    if (shader === null) return null;
    group.push(one);
  }
  close();
  return writings;
}
