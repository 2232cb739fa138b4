import {
  type Backend,
  checkOptions,
  type Entry,
  type FloatArray,
  type HostTensor,
  type Measured,
  type Mode,
  type Program,
  type Result,
  type Session,
  SgdError,
  type Step,
  type WriteEntry,
} from '@sgd/core';

/** A variable or gradient of a strict backend. */
export interface StrictHandle<T> {
  /** The engine's own. Throws when the handle is stale: replaced by a step, or freed. */
  readonly value: T;
}

/** Settings of {@link strict}. */
export interface StrictOptions {
  /** Awaited inside every call that an engine may take time for. Default: some turns of the event loop. */
  readonly delay?: (() => Promise<void>) | undefined;
}

class Handle<T> implements StrictHandle<T> {
  readonly #value: T;
  #stale: string | null = null;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    if (this.#stale !== null) throw new SgdError('SGD_DETACHED', `this handle is stale: ${this.#stale}`);
    return this.#value;
  }

  poison(why: string): void {
    this.#stale ??= why;
  }

  /** The same thing under a new handle; this one is of no use any more. */
  replace(why: string): Handle<T> {
    const next = new Handle(this.value);
    this.poison(why);
    return next;
  }
}

let calls = 0;

async function someTurns(): Promise<void> {
  await Promise.resolve();
  await Promise.resolve();
  // a whole turn is slow (4 ms in browsers): now and then one, so that timers and messages come between, too
  if (calls++ % 16 === 0) await new Promise<void>((resolve) => void setTimeout(resolve, 0));
}

/**
 * The same engine, as unkind as the contract allows. For tests of your own training loop: code that runs on `strict(backend)` makes no
 * assumption that only some engines keep.
 *
 * - every call is asynchronous, and takes a while;
 * - each step replaces the handles of all variables, and poisons the old ones: using one throws `SGD_DETACHED`;
 * - gradients and variables that were freed are poisoned, too;
 * - a second call to a session while one is in flight rejects (core refuses it first, with `SGD_BUSY`).
 *
 * @param backend - any backend, sync or async
 * @param options - see {@link StrictOptions}
 * @throws SgdError `SGD_INVALID_OPTION`: an unknown option
 */
export function strict<V, G, M extends Mode>(
  backend: Backend<V, G, M>,
  options: StrictOptions = {},
): Backend<StrictHandle<V>, StrictHandle<G>, 'async'> {
  checkOptions(options, ['delay'], 'strict');
  const { delay = someTurns } = options;
  return {
    contract: backend.contract,
    name: `strict(${backend.name})`,
    mode: 'async',
    supports: backend.supports,
    tolerance: backend.tolerance,
    variable: (values: HostTensor) => new Handle(backend.variable(values)),
    gradient: (values: HostTensor) => new Handle(backend.gradient(values)),
    free(handle) {
      backend.free(handle.value);
      (handle as Handle<V | G>).poison('it was freed');
    },
    describe: (handle) => backend.describe(own(handle).value),
    refuses(handle, index, program) {
      if (!(handle instanceof Handle)) return `${typeof handle} that is no gradient of "strict(${backend.name})"`;
      return backend.refuses((handle as Handle<G>).value, index, program);
    },
    async open(program, variables) {
      await delay();
      const handles = variables.map((variable) => own(variable));
      const session = (await backend.open(
        program,
        handles.map(({ value }) => value),
      )) as Session<V, G, M>;
      return new StrictSession(program, session, handles, delay);
    },
  };
}

function own<V>(handle: StrictHandle<V>): Handle<V> {
  if (handle instanceof Handle) return handle as Handle<V>;
  throw new SgdError('SGD_UNKNOWN_VARIABLE', `not a variable of a strict backend: got ${typeof handle}`);
}

class StrictSession<V, G, M extends Mode> implements Session<StrictHandle<V>, StrictHandle<G>, 'async'> {
  readonly #session: Session<V, G, M>;
  readonly #delay: () => Promise<void>;
  readonly measured?: () => Promise<Measured>;
  #variables: readonly Handle<V>[];
  #busy: string | null = null;

  constructor(
    program: Program,
    session: Session<V, G, M>,
    variables: readonly Handle<V>[],
    delay: () => Promise<void>,
  ) {
    this.#session = session;
    this.#delay = delay;
    this.#variables = variables;
    if (program.measure.size > 0 && session.measured)
      this.measured = async (): Promise<Measured> => {
        const taken = session.measured!();
        await delay();
        return taken;
      };
  }

  get variables(): readonly StrictHandle<V>[] {
    return this.#variables;
  }

  async step(step: Step, gradients: readonly StrictHandle<G>[], indices: readonly number[]): Promise<boolean> {
    const { phase } = step;
    return this.#alone(`a step (${phase})`, async () => {
      const taken = (await this.#session.step(
        step,
        gradients.map(({ value }) => value),
        indices,
      )) as boolean;
      await this.#delay();
      if (taken) this.#replace('a step replaced it');
      return taken;
    });
  }

  async averages(action: 'assign' | 'swap'): Promise<void> {
    return this.#alone(`averages (${action})`, async () => {
      await this.#session.averages(action);
      this.#replace('averages took its place');
    });
  }

  async read(entries: readonly Entry[]): Promise<FloatArray[]> {
    // asked for at once: it is of this moment, however late the answer comes
    const values = this.#session.read(entries);
    await this.#delay();
    return values;
  }

  async write(entries: readonly WriteEntry[]): Promise<void> {
    return this.#alone('a write', () => this.#session.write(entries));
  }

  async dispose(): Promise<void> {
    return this.#alone('dispose', async () => {
      await (this.#session.dispose() as Result<Mode, void>);
    });
  }

  #replace(why: string): void {
    const current = this.#session.variables;
    this.#variables = this.#variables.map((old, i) => {
      if (current[i] === old.value) return old.replace(why);
      old.poison(why);
      return new Handle(current[i]!);
    });
  }

  async #alone<T>(what: string, body: () => Promise<T>): Promise<T> {
    if (this.#busy !== null) throw new SgdError('SGD_BUSY', `${what} while ${this.#busy} is in flight`);
    this.#busy = what;
    try {
      await this.#delay();
      return await body();
    } finally {
      this.#busy = null;
    }
  }
}
