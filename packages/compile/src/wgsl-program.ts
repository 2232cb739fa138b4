import { wgslFunctions } from './wgsl-functions.ts';

/**
 * A buffer of numbers that stay on the device: where some of them lie. `squares` is the first of a tensor, for the factor of a norm over
 * all; what a kernel sums lies where its parameters say.
 */
export const FIGURE = {
  /** Not 0: the step is dropped, and what is guarded writes nothing. */
  dropped: 0,
  clipFactor: 1,
  squares: 2,
} as const;

/** Of every program that goes over elements. */
const WORKGROUP = 256;
/** Workgroups of a program that sums, each of which leaves one part of a sum. */
export const MOST_PARTS = 1024;
/** Workgroups in a row that every device runs; each takes further elements in turns. */
const MOST_WORKGROUPS = 65_535;

/** A buffer that a program is bound to. */
export interface WgslBinding {
  /**
   * `parameters`: of a variable, four numbers `u32`: how many elements (in fours, where there are four lanes), where in the figures its own
   * begin, where there the parts of sums begin, and 0. `numbers`: those of the kernel, as `float32`. `figures`: see {@link FIGURE}.
   */
  readonly source: 'parameters' | 'numbers' | 'figures' | 'tensor';
  /** Of a tensor. */
  readonly name: string;
  /** A `GPUBufferBindingType`. */
  readonly type: 'uniform' | 'storage' | 'read-only-storage';
}

/** A compute shader with the entry point `main`, and how it is run. */
export interface WgslProgram {
  readonly code: string;
  /** In the order of their numbers, in group 0. */
  readonly bindings: readonly WgslBinding[];
  /** Whether one workgroup does it all. */
  readonly isSingle: boolean;
  /** Makes sums of the parts that more than one workgroup left; `null`: there are no sums. */
  readonly gather: WgslProgram | null;
}

/** How many workgroups a program is run with, over elements (or fours of them); 0: there is nothing to do. */
export function workgroupsOf({ isSingle, gather }: WgslProgram, count: number): number {
  if (isSingle) return 1;
  const all = Math.ceil(count / WORKGROUP);
  return gather === null ? Math.min(MOST_WORKGROUPS, all) : Math.max(1, Math.min(MOST_PARTS, all));
}

/** The bindings of a program, each left out where it is not used. */
export function bindingsOf(
  numbers: number,
  figures: WgslBinding['type'] | null,
  tensors: readonly string[],
  written: readonly string[],
): WgslBinding[] {
  const bindings: WgslBinding[] = [{ source: 'parameters', name: '', type: 'uniform' }];
  if (numbers > 0) bindings.push({ source: 'numbers', name: '', type: 'uniform' });
  if (figures !== null) bindings.push({ source: 'figures', name: '', type: figures });
  for (const name of tensors) {
    bindings.push({ source: 'tensor', name, type: written.includes(name) ? 'storage' : 'read-only-storage' });
  }
  return bindings;
}

const SPACE = { uniform: 'uniform', storage: 'storage, read_write', 'read-only-storage': 'storage, read' } as const;

/** Declarations of the bindings: `parameters`, `numbers`, `figures`, and tensors as `b0`, … */
export function declarationsOf(bindings: readonly WgslBinding[], numbers: number, figure = 'f32'): string[] {
  const typeOf = {
    parameters: 'vec4u',
    numbers: `array<vec4f, ${Math.ceil(numbers / 4)}>`,
    figures: `array<${figure}>`,
    tensor: 'array<T>',
  };
  const tensors = bindings.filter(({ source }) => source === 'tensor');
  return bindings.map((binding, k) => {
    const { source, type } = binding;
    const name = source === 'tensor' ? `b${tensors.indexOf(binding)}` : source;
    return `@group(0) @binding(${k}) var<${SPACE[type]}> ${name}: ${typeOf[source]};`;
  });
}

/** The head of `main`; `group`, `groups` and `lane` say where an invocation is. */
export const MAIN: string = `@compute @workgroup_size(${WORKGROUP}) fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {`;

/** The head of a loop over elements `i`. */
export const LOOP: string = `for (var i = group.x * ${WORKGROUP} + lane; i < count; i += groups.x * ${WORKGROUP}) {`;

/** What sums need outside of `main`: memory that a workgroup shares, and a sum over lanes. */
export function sharedOf(sums: number, lanes: 1 | 4): string[] {
  return [
    `var<workgroup> shared_sums: array<array<f32, ${WORKGROUP}>, ${sums}>;`,
    `fn acrossLanes(a: T) -> f32 { return ${lanes === 4 ? '(a.x + a.y) + (a.z + a.w)' : 'a'}; }`,
  ];
}

const halving = (sums: number): string[] => [
  'workgroupBarrier();',
  `for (var half = ${WORKGROUP / 2}u; half > 0; half >>= 1) {`,
  'if (lane < half) {',
  ...each(sums, (k) => `shared_sums[${k}][lane] += shared_sums[${k}][lane + half];`),
  '}',
  'workgroupBarrier();',
  '}',
];

const each = (count: number, write: (k: number) => string): string[] =>
  Array.from({ length: count }, (_, k) => write(k));

/**
 * The sums `s0`, … of a workgroup's invocations: a part each, or the whole, where there is one workgroup.
 *
 * @param first - where the first lies among the kernel's figures
 */
export function partsOf(sums: number, first: number): string[] {
  return [
    ...each(sums, (k) => `shared_sums[${k}][lane] = acrossLanes(s${k});`),
    ...halving(sums),
    'if (lane == 0 && goes) {',
    ...each(sums, (k) => {
      const part = `parameters.z + ${k * MOST_PARTS} + group.x`;
      return `figures[select(${part}, parameters.y + ${first + k}, groups.x == 1)] = shared_sums[${k}][0];`;
    }),
    '}',
  ];
}

/** Makes sums of parts. */
export function gatherOf(sums: number, first: number, goes: string): WgslProgram {
  const bindings = bindingsOf(0, 'storage', [], []);
  const code = [
    'alias T = f32;',
    ...declarationsOf(bindings, 0),
    ...sharedOf(sums, 1),
    MAIN,
    `let goes = ${goes};`,
    `let parts = min(${MOST_PARTS}u, (parameters.x + ${WORKGROUP - 1}) / ${WORKGROUP});`,
    ...each(sums, (k) => `var s${k} = 0.0;`),
    `for (var i = lane; i < parts; i += ${WORKGROUP}) {`,
    ...each(sums, (k) => `s${k} += figures[parameters.z + ${k * MOST_PARTS} + i];`),
    '}',
    ...partsOf(sums, first),
    '}',
  ].join('\n');
  return { code, bindings, isSingle: true, gather: null };
}

/** Drops the step when an element of the tensor `gradient` is not finite. */
export function wgslFiniteCheck(lanes: 1 | 4): WgslProgram {
  const bindings = bindingsOf(0, 'storage', ['gradient'], []);
  const isBad = 'any((bitcast<U>(b0[i]) & U(0x7f800000u)) == U(0x7f800000u))';
  const code = [
    ...wgslFunctions({ calls: new Set() }, lanes),
    `alias U = ${lanes === 4 ? 'vec4u' : 'u32'};`,
    ...declarationsOf(bindings, 0, 'atomic<u32>'),
    MAIN,
    'let count = parameters.x;',
    LOOP,
    `if (${isBad}) { atomicStore(&figures[${FIGURE.dropped}], 0x3f800000u); }`,
    '}',
    '}',
  ].join('\n');
  return { code, bindings, isSingle: false, gather: null };
}
