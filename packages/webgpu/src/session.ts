import type { Entry, FloatArray, Measured, Program, Session, Step, WriteEntry } from '@sgd/core';
import { SgdError } from '@sgd/core';
import { FIGURE } from '@sgd/compile';
import { plainSession, StepDefinition, sizeOf } from '@sgd/core/engine';
import type { Device } from './device.ts';
import type { GpuBuffer, GpuEncoder } from './gpu.ts';
import { ProgramKernels } from './kernels.ts';
import { checkVariables, lanesOf, Memory } from './memory.ts';
import type { Run } from './runs.ts';
import { dataOf, isBuffer, type WebgpuGradient, type WebgpuVariable } from './tensor.ts';
import { Works } from './works.ts';

/** Takes the variables, makes the slots, and compiles what is run for each. */
export async function openSession(
  device: Device,
  program: Program,
  given: readonly WebgpuVariable[],
): Promise<Session<WebgpuVariable, WebgpuGradient, 'async'>> {
  checkVariables(device, program, given);
  const definition = new StepDefinition(program);
  const kernels = new ProgramKernels(definition, program);
  program.variables.forEach(({ shape }, i) => {
    const lanes = lanesOf(sizeOf(shape));
    for (const situation of definition.situations.all) kernels.of(i, situation, lanes);
  });
  kernels.check(device.gpu.limits);
  let memory: Memory | undefined;
  try {
    memory = await device.guard('build', () => {
      const made = (memory = new Memory(device, program, definition, kernels, given));
      checkBuffers(device, made);
      return made;
    });
  } catch (error) {
    memory?.free();
    throw error;
  }
  return plainSession(memory.handles, new WebgpuSession(device, program, definition, kernels, memory));
}

/** A buffer of another device, or one that was destroyed, makes these commands invalid. */
function checkBuffers({ gpu }: Device, { tensors }: Memory): void {
  const encoder = gpu.createCommandEncoder();
  for (const { variable } of tensors) encoder.clearBuffer(variable!, 0, 0);
  gpu.queue.submit([encoder.finish()]);
}

class WebgpuSession implements Omit<Session<WebgpuVariable, WebgpuGradient, 'async'>, 'variables'> {
  readonly #device: Device;
  readonly #program: Program;
  readonly #definition: StepDefinition;
  readonly #memory: Memory;
  readonly #variables: ReadonlySet<GpuBuffer>;
  readonly #works: Works;
  /** By variable: its gradient in the step under way. */
  readonly #gradients: (GpuBuffer | undefined)[] = [];
  #steps = 0;
  /** Of the last updating step: which variables, and in which situation. */
  #measured: { readonly indices: readonly number[]; readonly situation: number } | null = null;

  constructor(device: Device, program: Program, definition: StepDefinition, kernels: ProgramKernels, memory: Memory) {
    this.#device = device;
    this.#program = program;
    this.#definition = definition;
    this.#memory = memory;
    this.#variables = new Set(memory.tensors.map(({ variable }) => variable!));
    this.#works = new Works(device, definition, kernels, memory);
  }

  async step(step: Step, gradients: readonly WebgpuGradient[], indices: readonly number[]): Promise<boolean> {
    // looked at once, and all of them before any is used
    const found = gradients.map(dataOf);
    found.forEach((gradient, j) => this.#refuse(gradient, indices[j]!));
    const { finiteCheck, measure } = this.#program;
    const dropped = await this.#device.guard('step', () => {
      this.#gradients.length = 0;
      found.forEach((gradient, j) => {
        this.#gradients[indices[j]!] = this.#memory.lend(gradient, indices[j]!);
      });
      this.#submit((encoder) => this.#encode(encoder, step, indices));
      return finiteCheck ? this.#device.fetch(this.#memory.flag) : null;
    });
    if (dropped?.[0]) return false;
    if (measure.size > 0 && step.phase === 'update' && step.ordinary) {
      this.#measured = { indices: [...indices], situation: this.#definition.situations.keyOf(step, true) };
    }
    return true;
  }

  async averages(action: 'assign' | 'swap'): Promise<void> {
    await this.#device.guard('averages', () => {
      const { tensors, sizes } = this.#memory;
      const spare = this.#device.buffer(action === 'swap' ? Math.max(...sizes, 0) : 0);
      this.#submit((encoder) => {
        tensors.forEach(({ variable, average }, i) => {
          if (average === undefined) return;
          const bytes = sizes[i]! * 4;
          if (action === 'swap') encoder.copyBufferToBuffer(variable!, 0, spare, 0, bytes);
          encoder.copyBufferToBuffer(average, 0, variable!, 0, bytes);
          if (action === 'swap') encoder.copyBufferToBuffer(spare, 0, average, 0, bytes);
        });
      });
      spare.destroy();
    });
  }

  // the copies are queued before the promise is returned
  async read(entries: readonly Entry[]): Promise<FloatArray[]> {
    const found = entries.map((entry) => this.#find(entry));
    const lengths = entries.map(({ index }) => this.#memory.sizes[index]!);
    const all = await this.#fetch(found.map((buffer, i) => ({ buffer, from: 0, length: lengths[i]! })));
    let end = 0;
    return lengths.map((length) => all.slice(end, (end += length)));
  }

  async write(entries: readonly WriteEntry[]): Promise<void> {
    const targets = entries.map((entry) => this.#find(entry, entry.values.length));
    await this.#device.guard('write', () => {
      entries.forEach(({ values }, i) => this.#device.gpu.queue.writeBuffer(targets[i]!, 0, values));
    });
  }

  async measured(): Promise<Measured> {
    const squares = { 'gradient-norm': 0, 'update-norm': 0 };
    const { figures, firstFigure, figuresEach, sizes } = this.#memory;
    if (this.#measured === null) return {};
    const { indices, situation } = this.#measured;
    const all = await this.#fetch([{ buffer: figures, from: firstFigure, length: figuresEach * sizes.length }]);
    for (const i of indices) {
      const { update } = this.#works.of(i, situation).kernels;
      update.observed.forEach((measure, k) => {
        squares[measure] += all[i * figuresEach + update.observations + k]!;
      });
    }
    const made: Measured = {};
    if (this.#program.measure.has('gradient-norm')) made.gradientNorm = Math.sqrt(squares['gradient-norm']);
    if (this.#program.measure.has('update-norm')) made.updateNorm = Math.sqrt(squares['update-norm']);
    return made;
  }

  async dispose(): Promise<void> {
    this.#memory.free();
  }

  /** An array that was detached or resized, or memory that is written. */
  #refuse(gradient: GpuBuffer | Float32Array, index: number): void {
    const what = `gradient of ${this.#program.variables[index]!.path}`;
    const size = this.#memory.sizes[index];
    if (isBuffer(gradient)) {
      if (!this.#variables.has(gradient)) return;
      throw new SgdError('SGD_GRADIENT_SHAPE', `${what}: the buffer of a variable, expected one of its own`);
    }
    if (gradient.length === size) return;
    throw new SgdError('SGD_DETACHED', `${what}: an array of ${gradient.length} elements by now, expected ${size}`);
  }

  #submit(encode: (encoder: GpuEncoder) => void): void {
    const encoder = this.#device.gpu.createCommandEncoder();
    encode(encoder);
    this.#device.gpu.queue.submit([encoder.finish()]);
  }

  /** All that is read comes before all that is written. */
  #encode(encoder: GpuEncoder, step: Step, indices: readonly number[]): void {
    const { situations, scalars } = this.#definition;
    const { figures, flag, sizes } = this.#memory;
    const [given, others] = [situations.keyOf(step, true), situations.keyOf(step, false)];
    const situationOf = (i: number): number => (this.#gradients[i] === undefined ? others : given);
    scalars.fill(step);
    this.#steps++;
    for (let i = 0; i < sizes.length; i++) {
      for (const numbers of this.#works.of(i, situationOf(i)).numbers) numbers.update(this.#steps);
    }
    encoder.clearBuffer(figures, 0, (FIGURE.squares + sizes.length) * 4);
    const pass = encoder.beginComputePass();
    const run = (i: number, runs: readonly Run[]): void => {
      for (const one of runs) one.encode(pass, this.#gradients[i]);
    };
    let hasSquares = false;
    for (const i of indices) {
      const { squares, kernels } = this.#works.of(i, given);
      hasSquares ||= kernels.squaredNorm !== null;
      run(i, squares);
    }
    if (hasSquares) run(0, this.#works.factor(this.#steps));
    for (const i of indices) run(i, this.#works.of(i, given).reading);
    for (let i = 0; i < sizes.length; i++) run(i, this.#works.of(i, situationOf(i)).writing);
    pass.end();
    if (this.#program.finiteCheck) encoder.copyBufferToBuffer(figures, FIGURE.dropped * 4, flag, 0, 4);
  }

  /** Copies, as of the call. */
  #fetch(
    parts: readonly { readonly buffer: GpuBuffer; readonly from: number; readonly length: number }[],
  ): Promise<Float32Array> {
    return this.#device.guard('read', async () => {
      const staging = this.#device.staging(parts.reduce((sum, { length }) => sum + length, 0));
      this.#submit((encoder) => {
        let to = 0;
        for (const { buffer, from, length } of parts) {
          encoder.copyBufferToBuffer(buffer, from * 4, staging, to * 4, length * 4);
          to += length;
        }
      });
      try {
        return await this.#device.fetch(staging);
      } finally {
        staging.destroy();
      }
    });
  }

  /** The buffer of a slot, of a length if one is given. */
  #find({ slot, index }: Entry, length?: number): GpuBuffer {
    const found = this.#memory.tensors[index]?.[slot];
    const size = this.#memory.sizes[index];
    if (found !== undefined && size === (length ?? size)) return found;
    throw new SgdError('SGD_STATE_MISMATCH', `${slot} ${index} is of length ${size}, got ${length}`);
  }
}
