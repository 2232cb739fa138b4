import type { FloatArray, Program, ProgramVariable, Session, Step } from '@sgd/core';
import { StepDefinition, type StepPhase } from '@sgd/core/engine';
import { blocksOf } from './blocks.ts';
import { type Engine, enqueue } from './engine.ts';
import { type Guard, newGuard } from './guard.ts';
import { HostKinds } from './host-kinds.ts';
import { HostRuns } from './host-runs.ts';
import { HostSteps } from './host-step.ts';
import { Memory } from './memory.ts';
import { arrayOf, inRealm, type OnnxTensor } from './tensor.ts';

type HostSession = Session<OnnxTensor, OnnxTensor, 'async'>;

/** Takes variables in arrays of the caller, which change all at once when a step has succeeded. */
export async function openHost(engine: Engine, program: Program, handles: readonly OnnxTensor[]): Promise<HostSession> {
  const values = handles.map((handle) => inRealm(arrayOf(handle)));
  const guard = newGuard(program, values);
  const definition = new StepDefinition(program);
  const blocks = blocksOf(program, values);
  const examples = new Map<string, number>();
  for (const { kind, parts } of blocks) if (!examples.has(kind)) examples.set(kind, parts[0]!.variable);
  const kinds = new HostKinds(engine, program, definition, examples);
  try {
    for (const situation of usualSituations(program, definition)) await kinds.load(situation);
  } catch (error) {
    await kinds.dispose();
    throw error;
  }
  const memory = new Memory(engine.ort, program, definition, { values, blocks });
  const runs = new HostRuns(engine.ort, values, memory);
  const steps = new HostSteps({ program, definition, blocks, kinds, runs });
  return sessionOf(engine, handles, { variables: program.variables, values, guard, kinds, memory, steps });
}

/** Those that are loaded at once, so that no step has to wait for them: others are rare. */
function usualSituations({ accumulates, averages }: Program, { situations }: StepDefinition): number[] {
  const about = (phase: Step['phase']): StepPhase => ({
    phase,
    ordinary: true,
    averageOverwrite: false,
  });
  return [
    situations.keyOf(about('update'), true),
    ...(accumulates ? [situations.keyOf(about('accumulate'), true)] : []),
    ...(averages ? [situations.keyOf(about('update'), false)] : []),
  ];
}

interface Parts {
  readonly variables: readonly ProgramVariable[];
  readonly values: readonly FloatArray[];
  readonly guard: Guard;
  readonly kinds: HostKinds;
  readonly memory: Memory;
  readonly steps: HostSteps;
}

function sessionOf({ ort }: Engine, handles: readonly OnnxTensor[], parts: Parts): HostSession {
  const { guard, kinds, memory, steps } = parts;
  return {
    variables: handles,
    step: (step, gradients, indices) => enqueue(ort, () => take(parts, step, gradients, indices)),
    async averages(action) {
      guard.attached();
      memory.averages(action);
    },
    // copied before the promise is returned
    async read(entries) {
      guard.attached();
      return entries.map((entry) => memory.read(entry));
    },
    async write(entries) {
      guard.attached();
      memory.write(entries);
    },
    measured: async () => steps.measured,
    dispose: () => enqueue(ort, () => kinds.dispose()),
  };
}

async function take(
  { variables, values, guard, memory, steps }: Parts,
  step: Step,
  gradients: readonly OnnxTensor[],
  indices: readonly number[],
): Promise<boolean> {
  const given: FloatArray[] = [];
  // all arrays first: a getter of the caller's may detach any of them
  indices.forEach((i, j) => (given[i] = arrayOf(gradients[j]!)));
  guard.attached();
  for (const i of indices) {
    guard.gradient(given[i]!, i);
    given[i] = inRealm(given[i]!);
  }
  if (!(await steps.compute(step, given, indices.length === variables.length))) return false;
  // nothing was changed so far, and from here on nothing is waited for and nothing can fail
  guard.attached();
  steps.put(step, memory);
  for (const i of indices) {
    const { overwrites, constraint, shape } = variables[i]!;
    if (!overwrites) constraint?.(values[i]!, shape);
  }
  return true;
}
