import { sizeOf } from './size.ts';
import {
  type Entry,
  type FloatArray,
  type Measured,
  type Program,
  type Session,
  type Step,
  type WriteEntry,
} from '../contract.ts';
import { SgdError } from '../errors.ts';
import { plainSession } from './plain-session.ts';
import { StepDefinition } from './step-definition.ts';
import { type TensorEngine, type Value } from './tensor-engine.ts';
import { TensorState } from './tensor-state.ts';
import { type TensorContext, TensorStep } from './tensor-step.ts';

/**
 * A session for an engine made of operations on immutable tensors, with every optimizer and every option. A step replaces the variables: those
 * that were given are never freed, those that steps made are freed when they are replaced.
 *
 * @param program - what `Backend.open` was given
 * @param variables - what `Backend.open` was given
 * @param engine - the operations
 * @returns a session whose steps throw what the engine throws; nothing has changed then
 */
export function openTensors<T extends object>(
  program: Program,
  variables: readonly T[],
  engine: TensorEngine<T>,
): Session<T, T, 'sync'> {
  const definition = new StepDefinition(program);
  const state = new TensorState(engine, program, definition, variables);
  return plainSession(state.variables, new TensorSession({ engine, program, definition, state, plans: new Map() }));
}

class TensorSession<T extends object> implements Omit<Session<T, T, 'sync'>, 'variables'> {
  readonly #context: TensorContext<T>;

  constructor(context: TensorContext<T>) {
    this.#context = context;
  }

  step(step: Step, gradients: readonly T[], indices: readonly number[]): boolean {
    if (!new TensorStep(this.#context, step).take(gradients, indices)) return false;
    if (step.ordinary) this.#constrain(indices);
    return true;
  }

  averages(action: 'assign' | 'swap'): void {
    const { engine, program, state } = this.#context;
    const copy = (tensor: T): T => engine.ops.mul(tensor, 1);
    program.variables.forEach(({ shape }, index) => {
      const average = state.get('average', index);
      if (average === undefined || sizeOf(shape) === 0) return;
      const old = action === 'swap' ? copy(state.variables[index]!) : null;
      state.put('variable', index, copy(average));
      if (old !== null) state.put('average', index, old);
    });
  }

  async read(entries: readonly Entry[]): Promise<FloatArray[]> {
    const { engine, program, state } = this.#context;
    const found = entries.map((entry) => state.find(entry, program));
    return Promise.all(found.map(async (tensor) => engine.read(tensor)));
  }

  async write(entries: readonly WriteEntry[]): Promise<void> {
    const { engine, program, state } = this.#context;
    for (const entry of entries) state.find(entry, program, entry.values.length);
    const made: T[] = [];
    try {
      for (const { index, values } of entries) made.push(engine.tensor(values, program.variables[index]!.shape));
    } catch (error) {
      for (const tensor of made) engine.free?.(tensor);
      throw error;
    }
    entries.forEach(({ slot, index }, i) => state.put(slot, index, made[i]!));
  }

  async measured(): Promise<Measured> {
    const { figures } = this.#context.state;
    const [gradient, update] = await Promise.all([
      this.#norm(figures.get('gradient-norm')),
      this.#norm(figures.get('update-norm')),
    ]);
    const made: Measured = {};
    if (gradient !== undefined) made.gradientNorm = gradient;
    if (update !== undefined) made.updateNorm = update;
    return made;
  }

  dispose(): void {
    this.#context.state.dispose();
  }

  async #norm(figure: Value<T> | undefined): Promise<number | undefined> {
    if (typeof figure !== 'object') return figure === undefined ? undefined : Math.sqrt(figure);
    return Math.sqrt((await this.#context.engine.read(figure))[0]!);
  }

  #constrain(indices: readonly number[]): void {
    const { engine, program, state } = this.#context;
    for (const index of indices) {
      const { constraint, overwrites, shape } = program.variables[index]!;
      if (constraint === null || overwrites) continue;
      const values = engine.read(state.variables[index]!);
      if (!ArrayBuffer.isView(values)) {
        throw new SgdError('SGD_UNSUPPORTED', 'an engine that reads later, not at once, has no constraints');
      }
      constraint(values, shape);
      state.put('variable', index, engine.tensor(values, shape));
    }
  }
}
