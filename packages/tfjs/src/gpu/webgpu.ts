import { sizeOf } from '@sgd/core/engine';
import { type Shader, wgslDeclarations, wgslFunctions } from '@sgd/compile';
import type { Tensor } from '../tf.ts';
import type { Device, Run } from './device.ts';

// Programs on the engine `webgpu`, recorded among its own: one dispatch, which writes the optimizer's slots in place.

interface Held {
  readonly resource: object;
  values: unknown;
}

interface Encoder {
  setPipeline(pipeline: object): void;
  setBindGroup(index: number, group: object): void;
  dispatchWorkgroups(x: number, y: number): void;
}

interface Pipeline {
  getBindGroupLayout(index: number): object;
}

interface GpuDevice {
  readonly limits: { readonly maxStorageBuffersPerShaderStage: number };
  createShaderModule(of: { code: string }): object;
  createComputePipeline(of: object): Pipeline;
  createBindGroup(of: object): object;
}

/** What the engine `webgpu` records dispatches by. */
export interface Webgpu {
  readonly device: GpuDevice;
  readonly tensorMap: { get(dataId: object): Held };
  readonly commandQueueOwnedIds: WeakSet<object>;
  readonly commandEncoder: { beginComputePass(): Encoder };
  computePassEncoder: Encoder | null;
  dispatchCountInPass: number;
  makeTensorInfo(shape: readonly number[], dtype: 'float32'): { dataId: object; shape: number[]; dtype: 'float32' };
  uploadToGPU(dataId: object): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

interface Program {
  readonly pipeline: Pipeline;
  readonly layout: object;
}

const WORKGROUP = 256;
/** Of workgroups in a row. */
const MOST = 65_535;

/** Of a device: by text, and so by shader, lanes, and which outputs are written in place. */
interface Programs {
  readonly byText: Map<string, Program>;
  readonly byShader: WeakMap<Shader, Map<string, Program>>;
}

const programs = new WeakMap<object, Programs>();

/** What a program is bound to, in this order. */
interface Bindings {
  /** What is read; then what is written in place and not read, what is made, and what is known of numbers. */
  readonly tensors: readonly Tensor[];
  /** By tensor of the shader, and by output: places in `tensors`. */
  readonly outputs: readonly number[];
  /** Places of those that are written. */
  readonly written: ReadonlySet<number>;
  readonly deviceNumbers: number;
}

function programOf(device: GpuDevice, shader: Shader, bindings: Bindings, lanes: 1 | 4): Program {
  let own = programs.get(device);
  if (!own) programs.set(device, (own = { byText: new Map(), byShader: new WeakMap() }));
  let variants = own.byShader.get(shader);
  if (!variants) own.byShader.set(shader, (variants = new Map<string, Program>()));
  const key = `${lanes} ${bindings.outputs.join()}`;
  let program = variants.get(key);
  if (!program) {
    const text = sourceOf(shader, bindings, lanes);
    program = own.byText.get(text) ?? compile(device, text);
    own.byText.set(text, program);
    variants.set(key, program);
  }
  return program;
}

function sourceOf(shader: Shader, { tensors, outputs, written, deviceNumbers }: Bindings, lanes: 1 | 4): string {
  const typeOf = (place: number): string => (place < deviceNumbers ? 'T' : 'f32');
  return [
    ...wgslFunctions(shader, lanes),
    ...tensors.map((_, place) => {
      const access = written.has(place) ? 'read_write' : 'read';
      return `@group(0) @binding(${place}) var<storage, ${access}> b${place}: array<${typeOf(place)}>;`;
    }),
    `@compute @workgroup_size(${WORKGROUP}) fn main(@builtin(global_invocation_id) id: vec3<u32>) {`,
    `let i = id.x + id.y * ${MOST * WORKGROUP}u;`,
    'if (i >= arrayLength(&b0)) { return; }',
    ...shader.tensors.map((_, place) => `let t${place} = b${place}[i];`),
    ...shader.deviceNumbers.map((_, j) => `let d${j} = T(b${deviceNumbers + j}[0]);`),
    ...shader.hostNumbers.map((_, j) => `let n${j} = T(b${tensors.length - 1}[${j}]);`),
    ...wgslDeclarations(shader),
    ...shader.outputs.map((value, j) => `b${outputs[j]}[i] = ${shader.nameOf(value)};`),
    '}',
  ].join('\n');
}

function compile(device: GpuDevice, code: string): Program {
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  return { pipeline, layout: pipeline.getBindGroupLayout(0) };
}

/** Four elements for each invocation, where they are in fours. */
export const webgpuDevice: Device = {
  writesInPlace: true,
  fits(tf) {
    const most = (tf.backend() as unknown as Webgpu).device.limits.maxStorageBuffersPerShaderStage;
    return (shader, made, inPlace) => {
      const read = new Set(shader.tensors.map(({ name }) => name));
      const isBound = (name: string | null): boolean =>
        inPlace && name !== null && name !== 'variable' && read.has(name);
      const more = made.filter(({ name }) => !isBound(name)).length;
      const numbers = shader.hostNumbers.length > 0 ? 1 : 0;
      return shader.tensors.length + shader.deviceNumbers.length + numbers + more <= most;
    };
  },
  run(tf, run) {
    const engine = tf.backend() as unknown as Webgpu;
    const { shader, shape, inPlace } = run;
    const made = shader.outputs.map((_, j) =>
      inPlace[j] ? null : tf.engine().makeTensorFromTensorInfo(engine.makeTensorInfo(shape, 'float32')),
    );
    if (shader.hostNumbers.length > 0) run.hostNumbers.tensor ??= tf.tensor(run.hostNumbers.values);
    const bindings = bind(run, made);
    const size = sizeOf(shape);
    const lanes = size % 4 === 0 ? 4 : 1;
    const { pipeline, layout } = programOf(engine.device, shader, bindings, lanes);
    for (const { dataId } of bindings.tensors) engine.uploadToGPU(dataId);
    const held = bindings.tensors.map(({ dataId }) => engine.tensorMap.get(dataId));
    for (const tensor of inPlace) {
      // as they were when somebody read them
      if (tensor) engine.tensorMap.get(tensor.dataId).values = null;
    }
    record(engine, pipeline, layout, bindings.tensors, held, size / lanes);
    if (engine.dispatchCountInPass >= tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) {
      engine.endComputePassEncoder();
      engine.submitQueue();
    }
    return made;
  },
};

function bind({ tensors, deviceNumbers, hostNumbers, inPlace }: Run, made: readonly (Tensor | null)[]): Bindings {
  const bound: Tensor[] = [...tensors];
  const outputs = made.map((tensor, j) => {
    const target = tensor ?? inPlace[j]!;
    const place = bound.indexOf(target);
    return place < 0 ? bound.push(target) - 1 : place;
  });
  const first = bound.length;
  bound.push(...deviceNumbers);
  if (hostNumbers.tensor) bound.push(hostNumbers.tensor);
  return { tensors: bound, outputs, written: new Set(outputs), deviceNumbers: first };
}

function record(
  engine: Webgpu,
  pipeline: Pipeline,
  layout: object,
  tensors: readonly Tensor[],
  held: readonly Held[],
  invocations: number,
): void {
  const entries = held.map(({ resource }, binding) => ({ binding, resource: { buffer: resource } }));
  const group = engine.device.createBindGroup({ layout, entries });
  engine.ensureCommandEncoderReady();
  engine.computePassEncoder ??= engine.commandEncoder.beginComputePass();
  for (const { dataId } of tensors) engine.commandQueueOwnedIds.add(dataId);
  engine.computePassEncoder.setPipeline(pipeline);
  engine.computePassEncoder.setBindGroup(0, group);
  const groups = Math.ceil(invocations / WORKGROUP);
  engine.computePassEncoder.dispatchWorkgroups(Math.min(MOST, groups), Math.ceil(groups / MOST));
  engine.dispatchCountInPass++;
}
