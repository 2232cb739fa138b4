import { type Session, SgdError } from '@sgd/core';
import type { getBackend, setBackend } from '@tensorflow/tfjs-core';
import type { TfjsBackend } from './backend.ts';
import type { Tensor, Variable } from './tf.ts';

/** What switches engines. */
export interface Switch {
  readonly getBackend: typeof getBackend;
  readonly setBackend: typeof setBackend;
}

/** Two that start at the same time would each take the other's engine for the program's, and leave the program on it. */
let turn: Promise<unknown> = Promise.resolve();

/** Starts the engine, and goes back to that of the program: whether it started, or what it failed with. */
function startInTurn(tf: Switch, engine: string): Promise<unknown> {
  const start = async (): Promise<unknown> => {
    const before = tf.getBackend() as string | undefined;
    const started = await tf.setBackend(engine).catch((error: unknown) => error);
    if (before) await tf.setBackend(before);
    return started;
  };
  const started = turn.then(start);
  turn = started.catch(() => {});
  return started;
}

/**
 * The backend on one engine, whatever engine the rest of the program is on: each call switches there and back. tfjs switches to an
 * engine that was started before within the call.
 *
 * @throws SgdError `SGD_BACKEND`: the engine does not start here
 */
export async function pinned(tf: Switch, engine: string, backend: TfjsBackend): Promise<TfjsBackend> {
  const started = await startInTurn(tf, engine);
  if (started !== true) {
    const cause = started === false ? {} : { cause: started };
    throw new SgdError('SGD_BACKEND', `the engine ${engine} of TensorFlow.js does not start here`, cause);
  }

  const on = <T>(job: () => T): T => {
    const other = tf.getBackend();
    if (other === engine) return job();
    void tf.setBackend(engine);
    try {
      return job();
    } finally {
      void tf.setBackend(other);
    }
  };
  const pinnedSession = (session: Session<Variable, Tensor, 'sync'>): typeof session => ({
    variables: session.variables,
    step: (step, gradients, indices) => on(() => session.step(step, gradients, indices)),
    averages: (action) => on(() => session.averages(action)),
    read: (entries) => on(() => session.read(entries)),
    write: (entries) => on(() => session.write(entries)),
    measured: () => on(() => session.measured!()),
    dispose: () => on(() => session.dispose()),
  });
  return {
    contract: 2,
    name: `tfjs:${engine}`,
    mode: 'sync',
    supports: on(() => backend.supports),
    tolerance: on(() => backend.tolerance),
    variable: (values) => on(() => backend.variable(values)),
    gradient: (values) => on(() => backend.gradient(values)),
    free: (value) => on(() => backend.free(value)),
    describe: (variable) => backend.describe(variable),
    refuses: (gradient, index, program) => backend.refuses(gradient, index, program),
    open: (program, variables) => on(() => pinnedSession(backend.open(program, variables))),
    path: () => on(() => backend.path()),
  };
}
