import { type WgslBinding, type WgslKernel, type WgslProgram, workgroupsOf } from '@sgd/compile';
import type { Device } from './device.ts';
import { type GpuBuffer, type GpuPass, USAGE } from './gpu.ts';
import type { Memory } from './memory.ts';

/** The numbers of a kernel for the variables of a group. */
export class HostNumbers {
  readonly buffer: GpuBuffer;
  readonly #device: Device;
  readonly #kernel: WgslKernel;
  readonly #scalars: Float64Array;
  readonly #all: Float64Array;
  readonly #sent: Float32Array;
  #updated = -1;

  constructor(device: Device, memory: Memory, kernel: WgslKernel, scalars: Float64Array) {
    this.#device = device;
    this.#kernel = kernel;
    this.#scalars = scalars;
    this.#all = kernel.numbers.allocate();
    this.#sent = new Float32Array(Math.max(4, Math.ceil(this.#all.length / 4) * 4)).fill(NaN);
    this.buffer = memory.own(this.#sent.length, USAGE.UNIFORM | USAGE.COPY_DST);
  }

  /** Sends what changed since; once a step. */
  update(step: number): void {
    if (this.#updated === step) return;
    this.#updated = step;
    this.#kernel.numbers.begin(this.#all, this.#scalars);
    let isSent = true;
    for (let i = 0; i < this.#all.length; i++) {
      const value = Math.fround(this.#all[i]!);
      isSent &&= Object.is(this.#sent[i], value);
      this.#sent[i] = value;
    }
    if (!isSent) this.#device.gpu.queue.writeBuffer(this.buffer, 0, this.#sent);
  }
}

/** What a program may be bound to, of one variable. */
export interface Buffers {
  readonly tensors: Readonly<Record<string, GpuBuffer>>;
  readonly figures: GpuBuffer;
  readonly numbers: GpuBuffer;
  /** All parameters, and where those of the variable begin, in bytes. */
  readonly parameters: GpuBuffer;
  readonly offset: number;
}

/** A program over the elements of a variable. */
export class Run {
  readonly #device: Device;
  readonly #program: WgslProgram;
  readonly #buffers: Buffers;
  readonly #workgroups: number;
  readonly #readsGradient: boolean;
  /** By gradient. */
  readonly #groups = new WeakMap<GpuBuffer, object>();

  constructor(device: Device, program: WgslProgram, buffers: Buffers, count: number) {
    this.#device = device;
    this.#program = program;
    this.#buffers = buffers;
    this.#workgroups = workgroupsOf(program, count);
    this.#readsGradient = program.bindings.some(({ name }) => name === 'gradient');
  }

  encode(pass: GpuPass, gradient: GpuBuffer | undefined): void {
    const { pipeline, layout } = this.#device.pipelineOf(this.#program);
    const key = this.#readsGradient ? gradient! : this.#buffers.figures;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const { bindings } = this.#program;
      const entries = bindings.map((one, binding) => ({ binding, resource: this.#resourceOf(one, gradient) }));
      this.#groups.set(key, (group = this.#device.gpu.createBindGroup({ layout, entries })));
    }
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group as never);
    pass.dispatchWorkgroups(this.#workgroups);
  }

  #resourceOf({ source, name }: WgslBinding, gradient: GpuBuffer | undefined): object {
    const { tensors, figures, numbers, parameters, offset } = this.#buffers;
    if (source === 'parameters') return { buffer: parameters, offset, size: 16 };
    if (source === 'tensor') return { buffer: name === 'gradient' ? gradient : tensors[name] };
    return { buffer: source === 'figures' ? figures : numbers };
  }
}

/** Runs of programs in order, each with what gathers its sums where more than one workgroup made parts of them. */
export function runsOf(device: Device, programs: readonly WgslProgram[], buffers: Buffers, count: number): Run[] {
  return programs.flatMap((program) => {
    const run = new Run(device, program, buffers, count);
    const { gather } = program;
    return gather === null || workgroupsOf(program, count) === 1
      ? [run]
      : [run, new Run(device, gather, buffers, count)];
  });
}
