// What is used of WebGPU: the DOM's types are no part of a package that runs in Node, too.

/** A `GPUBuffer`. */
export interface GpuBuffer {
  /** WebGPU's `GPUBuffer.destroy`. */
  destroy(): void;
  /** WebGPU's `GPUBuffer.mapAsync`. */
  mapAsync(mode: number): Promise<unknown>;
  /** WebGPU's `GPUBuffer.getMappedRange`. */
  getMappedRange(): ArrayBuffer;
}

interface GpuEncoder {
  copyBufferToBuffer(from: GpuBuffer, fromOffset: number, to: GpuBuffer, toOffset: number, bytes: number): void;
  clearBuffer(buffer: GpuBuffer, offset?: number, bytes?: number): void;
  finish(): unknown;
}

/** A `GPUDevice`. */
export interface GpuDevice {
  /** WebGPU's `GPUDevice.createBuffer`. */
  createBuffer(descriptor: { readonly size: number; readonly usage: number }): GpuBuffer;
  /** WebGPU's `GPUDevice.createCommandEncoder`. */
  createCommandEncoder(): GpuEncoder;
  /** WebGPU's `GPUDevice.queue`. */
  readonly queue: {
    /** WebGPU's `GPUQueue.submit`. */
    submit(commands: readonly never[]): void;
    /** WebGPU's `GPUQueue.writeBuffer`. */
    writeBuffer(buffer: GpuBuffer, offset: number, data: ArrayBufferView): void;
  };
  /** WebGPU's `GPUDevice.lost`. */
  readonly lost: Promise<{ readonly message: string }>;
}

// GPUBufferUsage and GPUMapMode, which TypeScript's DOM does not have
const MAP_READ = 1;
const COPY_SRC = 4;
const COPY_DST = 8;
const STORAGE = 128;

/** Bytes of a GPU buffer from an offset on. */
export interface Range {
  readonly buffer: GpuBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** Copies in the order of the device's queue. */
export interface Copies {
  copy(from: Range, to: GpuBuffer, offset: number): void;
  clear(range: Range): void;
  submit(): void;
}

/** A buffer of zeros that models can read and write. A buffer of no bytes is made a little longer. */
export const newBuffer = (device: GpuDevice, bytes: number): GpuBuffer =>
  device.createBuffer({ size: Math.max(bytes, 16), usage: STORAGE | COPY_SRC | COPY_DST });

/** Collects copies. */
export function newCopies(device: GpuDevice): Copies {
  const encoder = device.createCommandEncoder();
  return {
    copy({ buffer, offset, bytes }, to, at) {
      if (bytes > 0) encoder.copyBufferToBuffer(buffer, offset, to, at, bytes);
    },
    clear({ buffer, offset, bytes }) {
      if (bytes > 0) encoder.clearBuffer(buffer, offset, bytes);
    },
    submit: () => device.queue.submit([encoder.finish() as never]),
  };
}

/** The numbers in some ranges, as of the call in the order of the queue. */
export async function download(device: GpuDevice, ranges: readonly Range[]): Promise<Float32Array[]> {
  const bytes = ranges.reduce((all, range) => all + range.bytes, 0);
  const staging = device.createBuffer({ size: Math.max(bytes, 16), usage: MAP_READ | COPY_DST });
  try {
    const copies = newCopies(device);
    let at = 0;
    for (const range of ranges) {
      copies.copy(range, staging, at);
      at += range.bytes;
    }
    copies.submit();
    await staging.mapAsync(MAP_READ);
    const mapped = staging.getMappedRange();
    at = 0;
    return ranges.map((range) => new Float32Array(mapped.slice(at, (at += range.bytes))));
  } finally {
    staging.destroy();
  }
}
