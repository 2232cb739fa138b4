// What is used of WebGPU, in types of our own: those of the platform come with the DOM, or with another package.

/** A `GPUBuffer`. */
export interface GpuBuffer {
  /** In bytes. */
  readonly size: number;
  /** Bits of `GPUBufferUsage`. */
  readonly usage: number;
  /** `"unmapped"` where the device may use it. */
  readonly mapState: string;
  /** Frees its memory. */
  destroy(): void;
  /** Bytes of a mapped buffer. */
  getMappedRange(): ArrayBuffer;
  /** Asks for the buffer on the host. */
  mapAsync(mode: number): Promise<unknown>;
  /** Gives it back to the device. */
  unmap(): void;
}

/** Commands that a queue takes. */
export interface GpuEncoder {
  /** Begins dispatches. */
  beginComputePass(): GpuPass;
  /** Sets bytes to 0. */
  clearBuffer(buffer: GpuBuffer, offset: number, size: number): void;
  /** Copies bytes. */
  copyBufferToBuffer(from: GpuBuffer, fromOffset: number, to: GpuBuffer, toOffset: number, size: number): void;
  /** Ends the commands. */
  finish(): object;
}

/** Dispatches, one after the other. */
export interface GpuPass {
  /** Which program. */
  setPipeline(pipeline: object): void;
  /** Which buffers. */
  setBindGroup(index: number, group: never): void;
  /** How often. */
  dispatchWorkgroups(count: number): void;
  /** No more. */
  end(): void;
}

/** The part of a `GPUDevice` that this package uses. */
export interface GpuDevice {
  /** What the device grants. */
  readonly limits: {
    readonly maxBufferSize: number;
    readonly maxStorageBufferBindingSize: number;
    readonly maxStorageBuffersPerShaderStage: number;
  };
  /** Settles when the device is lost. */
  readonly lost: Promise<{ readonly message: string }>;
  /** Takes commands. */
  readonly queue: {
    /** Runs commands, in order. */
    submit(commands: Iterable<object>): void;
    /** Copies values into a buffer, before what is submitted next. */
    writeBuffer(to: GpuBuffer, offset: number, data: unknown): void;
  };
  /** Loses the device. */
  destroy(): void;
  /** Makes a buffer of zeros. */
  createBuffer(of: { readonly size: number; readonly usage: number }): GpuBuffer;
  /** Makes a program of a text. */
  createShaderModule(of: { readonly code: string }): object;
  /** Says how programs are bound. */
  createBindGroupLayout(of: object): object;
  /** Says how programs are bound. */
  createPipelineLayout(of: object): object;
  /** Makes a program that can be run. */
  createComputePipeline(of: object): object;
  /** Binds buffers. */
  createBindGroup(of: object): object;
  /** Starts to record commands. */
  createCommandEncoder(): GpuEncoder;
  /** Errors from now on are those of a scope. */
  pushErrorScope(filter: 'validation' | 'out-of-memory'): void;
  /** The first error of the scope. */
  popErrorScope(): Promise<{ readonly message: string } | null>;
}

/** Bits of `GPUBufferUsage`, which is no global everywhere. */
export const USAGE = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 } as const;

/** What buffers of tensors are for. */
export const OF_TENSORS: number = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;
