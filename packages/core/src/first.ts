import { makePlan, open } from './build.ts';
import { want } from './check.ts';
import type { Mode, Result, Session } from './contract.ts';
import { isSgdError } from './errors.ts';
import { type Machine, type Plan, run } from './machine.ts';
import { finish, type Given, type Gradients, prepare } from './step.ts';

/** The first step of an optimizer that is not built, on the variables that it names: builds on them, unless it is refused. */
export function applyFirst<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  gradients: Gradients<G>,
  variables: readonly V[],
): Result<M, boolean> {
  return run(machine, 'apply', start<V, G, M>, finish<V, G, M>, gradients, variables);
}

function start<V, G, M extends Mode>(
  machine: Machine<V, G, M>,
  gradients: Gradients<G>,
  variables: readonly V[],
): unknown {
  want(Array.isArray(variables), 'variables', 'an array', variables);
  const plan = makePlan(machine, variables, {});
  const named: Given<V> = plan.variables.map((v) => v.handle);
  if (!prepare(machine, plan, gradients, named)) return null;
  const work = buildAndStep(machine, plan);
  return machine.backend.mode === 'sync' ? atOnce(work) : later(work);
}

/** Work that yields what may be a promise. */
type Work<T> = Generator<unknown, T, unknown>;

function* buildAndStep<V, G, M extends Mode>(machine: Machine<V, G, M>, plan: Plan<V, G>): Work<boolean> {
  const session = (yield open(machine, plan)) as Session<V, G, M>;
  const keep = (): void => {
    machine.built = { ...plan, session };
  };
  let taken: boolean;
  try {
    taken = (yield session.step(machine.step, plan.gradients, plan.indices)) as boolean;
  } catch (error) {
    // of an engine that failed, nobody knows what it changed
    if (isSgdError(error) && error.code !== 'SGD_BACKEND') yield* close(machine, plan, session);
    else keep();
    throw error;
  }
  if (!taken && machine.extras.nonFinite === 'throw') yield* close(machine, plan, session);
  else keep();
  return taken;
}

/** Ends a session whose first step was refused. */
function* close<V, G, M extends Mode>(
  { backend }: Machine<V, G, M>,
  { known }: Plan<V, G>,
  session: Session<V, G, M>,
): Work<void> {
  const copies = session.variables.filter((handle) => !known.has(handle));
  try {
    yield session.dispose();
    for (const copy of copies) backend.free(copy);
  } catch {
    // why the step was refused matters more
  }
}

function atOnce<T>(work: Work<T>): T {
  let state = work.next();
  while (!state.done) state = work.next(state.value);
  return state.value;
}

async function later<T>(work: Work<T>): Promise<T> {
  let state = work.next();
  while (!state.done) {
    let value: unknown;
    try {
      value = await state.value;
    } catch (error) {
      state = work.throw(error);
      continue;
    }
    state = work.next(value);
  }
  return state.value;
}
