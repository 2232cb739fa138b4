import type { Tensor } from '../tf.ts';
import { type Name, type Pass, type Rule, ruleOf, type Tensors } from './rule.ts';

// Passes on the engine `webgpu`, recorded among its own: one dispatch, which writes the optimizer's slots in place.

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

interface Device {
  createShaderModule(of: { code: string }): object;
  createComputePipeline(of: object): Pipeline;
  createBindGroup(of: object): object;
}

/** What the engine `webgpu` records dispatches by. */
export interface Webgpu {
  readonly device: Device;
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

/** Who is bound, in this order; what is made anew comes last, then the numbers. */
interface Program {
  readonly pipeline: Pipeline;
  readonly layout: object;
  readonly bound: readonly Name[];
  readonly written: ReadonlySet<Name>;
  readonly made: readonly Name[];
  readonly numbered: boolean;
}

const WORKGROUP = 256;
/** Of workgroups in a row. */
const MOST = 65_535;
const SLOTS: ReadonlySet<Name> = new Set<Name>(['M', 'V', 'A']);
const programs = new WeakMap<object, Map<number, Program>>();

function programOf(device: Device, what: number, lanes: number): Program {
  let own = programs.get(device);
  if (!own) programs.set(device, (own = new Map<number, Program>()));
  const key = 2 * what + Number(lanes === 4);
  let program = own.get(key);
  if (!program) own.set(key, (program = compile(device, ruleOf(what), lanes)));
  return program;
}

function compile(device: Device, { reads, writes, code }: Rule, lanes: number): Program {
  const written = new Set(writes.map(([name]) => name).filter((name) => SLOTS.has(name)));
  const made = writes.map(([name]) => name).filter((name) => !SLOTS.has(name));
  const bound = [...new Set([...reads, ...written])];
  const numbered = code.includes('P[');
  const buffers = [
    ...bound.map((name) => ({ name: `b${name}`, own: written.has(name), type: name === 'F' ? 'f32' : 'T' })),
    ...made.map((name) => ({ name: `o${name}`, own: true, type: 'T' })),
    ...(numbered ? [{ name: 'P', own: false, type: 'f32' }] : []),
  ];
  const module = device.createShaderModule({
    code: `alias T = ${lanes === 4 ? 'vec4<f32>' : 'f32'};
    ${buffers.map(({ name, own, type }, i) => `@group(0) @binding(${i}) var<storage, ${own ? 'read_write' : 'read'}> ${name}: array<${type}>;`).join('\n')}
    @compute @workgroup_size(${WORKGROUP}) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
      let i = id.x + id.y * ${MOST * WORKGROUP}u;
      if (i < arrayLength(&${buffers[0]!.name})) {
        ${reads.map((name) => `let ${name} = b${name}[${name === 'F' ? 0 : 'i'}];`).join('\n')}
        ${code.replaceAll('$', 'var')}
        ${writes.map(([name, value]) => `${SLOTS.has(name) ? 'b' : 'o'}${name}[i] = ${value};`).join('\n')}
      }
    }`,
  });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  return { pipeline, layout: pipeline.getBindGroupLayout(0), bound, written, made, numbered };
}

/** Four elements for each invocation, where they are in fours. */
export const passOnWebgpu: Pass = (tf, what, own, numbers) => {
  const engine = tf.backend() as unknown as Webgpu;
  const { shape, size } = (own.X ?? own.G)!;
  const lanes = size % 4 === 0 ? 4 : 1;
  const { pipeline, layout, bound, written, made, numbered } = programOf(engine.device, what, lanes);
  const results: Tensors = {};
  for (const name of made)
    results[name] = tf.engine().makeTensorFromTensorInfo(engine.makeTensorInfo(shape, 'float32'));
  if (numbered) numbers.tensor ??= tf.tensor(numbers.values);
  const tensors = [
    ...bound.map((name) => own[name]!),
    ...made.map((name) => results[name]!),
    ...(numbered ? [numbers.tensor!] : []),
  ];
  for (const { dataId } of tensors) engine.uploadToGPU(dataId);
  const held = tensors.map(({ dataId }) => engine.tensorMap.get(dataId));
  bound.forEach((name, i) => {
    if (written.has(name)) held[i]!.values = null; // as they were when somebody read them
  });
  record(engine, pipeline, layout, tensors, held, size / lanes);
  if (engine.dispatchCountInPass >= tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) {
    engine.endComputePassEncoder();
    engine.submitQueue();
  }
  return results;
};

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
