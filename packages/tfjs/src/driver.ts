import { type LossScaleOptimizer, type SGD, SgdError, type WeightDecayExclusion } from '@sgd/core';
import { readAll } from './engines.ts';
import { type Handle, handleOf, type Host, type LayerWeight } from './handles.ts';
import type { Tensor, TensorFlow, Variable } from './tf.ts';
import { COUNTER, counterOf, decode, encodeKnown, mismatch, type NamedTensor, VARIABLES } from './weights.ts';

/** An optimizer of core's on the engine of a host. */
export type Core = SGD<Handle, Tensor, 'sync'> | LossScaleOptimizer<Handle, Tensor, 'sync'>;

/** What stands between tfjs's variables, known by name, and core's optimizer. All rules are core's. */
export class Driver {
  readonly core: Core;
  readonly #tf: TensorFlow;
  readonly #host: Host;
  readonly #handles = new Map<Variable, Handle>();
  /** What `getWeights` gave beside the slots, to be used again. */
  readonly #kept = new Map<string, Tensor>();

  constructor(tf: TensorFlow, host: Host, core: Core) {
    this.#tf = tf;
    this.#host = host;
    this.core = core;
  }

  /** The same for the optimizer around this one. */
  of(core: Core): Driver {
    return new Driver(this.#tf, this.#host, core);
  }

  build(variables: readonly Variable[]): void {
    const handles = variables.map(handleOf);
    this.core.build(handles);
    this.#know(handles);
  }

  #know(handles: readonly Handle[]): void {
    for (const handle of handles) this.#handles.set(handle.variable!, handle);
  }

  /** One step; all names are looked up before anything is done. */
  apply(named: readonly { readonly name: string; readonly tensor?: unknown }[]): boolean {
    if (named.length === 0) return this.core.apply([]);
    const registered = this.#tf.engine().state.registeredVariables;
    const given = named.map(({ name, tensor }) => ({ variable: registered[name], name, tensor: tensor ?? null }));
    for (const { variable, name } of given) {
      if (!variable) throw new SgdError('SGD_UNKNOWN_VARIABLE', `there is no variable "${name}" in TensorFlow.js`);
    }
    const variables = given.map(({ variable }) => variable!);
    const tensors = given.map(({ tensor }) => tensor as Tensor | null);
    return this.core.built ? this.core.apply(tensors, this.#find(variables)) : this.#applyFirst(tensors, variables);
  }

  /** The step that builds, unless it is refused. */
  #applyFirst(tensors: readonly (Tensor | null)[], variables: readonly Variable[]): boolean {
    const handles = new Map(variables.map((variable) => [variable, handleOf(variable)]));
    try {
      return this.core.apply(
        tensors,
        variables.map((variable) => handles.get(variable)!),
      );
    } finally {
      if (this.core.built) this.#know([...handles.values()]);
    }
  }

  #find(variables: readonly Variable[]): Handle[] {
    if (variables.some((variable) => !this.#handles.has(variable))) this.#bind(variables);
    return variables.map((variable) => this.#handles.get(variable)!);
  }

  /** Puts variables in the places that loaded weights left open: by name, or else by order. */
  #bind(variables: readonly Variable[]): void {
    const open = this.#host.handles.filter(({ variable }) => variable === null);
    const fits = (handle: Handle | undefined, { shape }: Variable): boolean => handle?.shape.join() === shape.join();
    const added = variables.filter((variable) => !this.#handles.has(variable));
    const byName = added.map(({ name }) => open.find((handle) => handle.name === name));
    const named = byName.every((handle, i) => fits(handle, added[i]!));
    const places = named ? byName : open;
    if (places.length !== added.length || !added.every((variable, i) => fits(places[i], variable)))
      this.#strange(added);
    added.forEach((variable, i) => {
      const handle = places[i]!;
      handle.variable = variable;
      this.#handles.set(variable, handle);
    });
  }

  #strange(added: readonly Variable[]): never {
    void this.core.trainablePaths; // refused after dispose
    const names = added.map(({ name, shape }) => `${name} [${shape.join()}]`).join(', ');
    const hint = 'call build(variables) with all of them before the first step';
    throw new SgdError('SGD_UNKNOWN_VARIABLE', `the optimizer was not built with ${names}; ${hint}`);
  }

  /** By name: the handles are made later. */
  exclude({ variables = [], ...rest }: WeightDecayExclusion<Variable>): void {
    const names = variables.map((variable) => (typeof variable === 'string' ? variable : variable.name));
    this.core.excludeFromWeightDecay({ ...rest, variables: names });
  }

  constrain(weights: readonly LayerWeight[]): void {
    for (const weight of weights) {
      const variable = weight.read() as Variable;
      if (weight.constraint) this.#host.constraints.set(variable, weight.constraint);
      else this.#host.constraints.delete(variable);
    }
  }

  finalize(): void {
    try {
      this.core.finalizeVariableValues();
    } catch (error) {
      // a training of no steps has nothing to put anywhere
      const code = error instanceof SgdError ? error.code : '';
      if (code !== 'SGD_NO_AVERAGES' && code !== 'SGD_NOT_BUILT') throw error;
    }
  }

  async getWeights(): Promise<NamedTensor[]> {
    const { core } = this;
    // a counter may have been loaded before there was a step
    if (!core.built) return core.iterations ? [this.#keep(COUNTER, [core.iterations], [], 'int32')] : [];
    const variables = core.variables;
    const count = this.#live().length;
    const own = variables.slice(0, variables.length - count);
    const scalars = await Promise.all(own.map(({ path }) => core.read(path)));
    const live = this.#live();
    const known = encodeKnown(this.#host.handles.map(({ name, shape }) => [name, shape]));
    return [
      ...own.map(({ path, dtype }, i) => this.#keep(path, scalars[i]!, [], dtype)),
      ...variables.slice(own.length).map(({ path }, i) => ({ name: path, tensor: live[i]! })),
      this.#keep(`${core.name}/${VARIABLES}`, known, [known.length], 'int32'),
    ];
  }

  /** The slots' tensors, in Keras's order. */
  #live(): Tensor[] {
    const { average = [], gradient_accumulator: accumulator = [], ...ofRule } = this.#host.state?.slots ?? {};
    return [average, accumulator, ...Object.values(ofRule)].flat().filter((tensor) => tensor !== undefined);
  }

  /** Replaces a tensor of the optimizer's own, so that there is one of each at most. */
  #keep(name: string, values: ArrayLike<number>, shape: number[], dtype: string): NamedTensor {
    this.#kept.get(name)?.dispose();
    const whole = dtype === 'int32';
    const typed = whole ? Int32Array.from(values) : Float32Array.from(values);
    const tensor = this.#tf.keep(this.#tf.tensor(typed, shape, whole ? 'int32' : 'float32'));
    this.#kept.set(name, tensor);
    return { name, tensor };
  }

  async setWeights(weights: readonly NamedTensor[], expected: ReadonlySet<string> | null): Promise<void> {
    const { core } = this;
    const tensors = weights.map(({ tensor }) => tensor);
    const values = await readAll(this.#tf, tensors);
    const saved = weights.map(({ name, tensor }, i) => ({ name, shape: tensor.shape, values: values[i]! }));
    const counter = counterOf(saved);
    if (counter !== undefined) return this.#count(counter, expected);
    const decoded = decode(saved);
    if (!core.built) {
      // before anything is built
      const got = [...decoded.kinds].sort().join(', ') || 'no slots';
      const wanted = expected && ([...expected].sort().join(', ') || 'no slots');
      if (wanted !== null && wanted !== got) mismatch(`expected ${wanted}, got ${got}`);
      const handles = decoded.known.map(([name, shape]) => ({ name, shape, variable: null }));
      core.build(handles);
    }
    const { handles } = this.#host;
    const fits = handles.length === decoded.known.length;
    if (!fits || handles.some(({ shape }, i) => shape.join() !== decoded.known[i]![1].join())) {
      const names = handles.map(({ name, shape }) => `${name} [${shape.join()}]`).join(', ');
      mismatch(`expected weights for ${names}, in this order`);
    }
    await core.setState(decoded.stateFor(core.className, core.trainablePaths));
  }

  /** Goes on from the counter of tfjs's own optimizer, which has no slots. */
  async #count(counter: number, expected: ReadonlySet<string> | null): Promise<void> {
    const { core } = this;
    const slots = expected ? [...expected].join(', ') : 'the slots of its groups';
    if (slots !== '') mismatch(`expected ${slots}, got only the counter of tf.train.sgd, which has none`);
    if (!Number.isInteger(counter) || counter < 0) mismatch(`${COUNTER}: expected a count, got ${counter}`);
    if (core.built) await core.setState({ ...(await core.getState()), iterations: counter });
    else core.iterations = counter;
  }

  dispose(): void {
    this.core.dispose();
    this.#tf.dispose([...this.#kept.values()]);
    this.#kept.clear();
    this.#handles.clear();
  }
}
