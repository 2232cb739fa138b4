import type { Compute } from './programs.ts';
import type { Tensor, TensorFlow } from './tf.ts';

// The programs of the fused paths of `webgl` and `webgpu`, as these engines take them: plain objects.

interface WebglProgram {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  readonly customUniforms: readonly { readonly name: string; readonly type: 'float' }[];
  readonly packedInputs: boolean;
  readonly packedOutput: boolean;
  readonly enableShapeUniforms: boolean;
  readonly userCode: string;
}

/** What the engine `webgl` runs programs by, and what it knows of textures. */
export interface Webgl {
  readonly texData: { get(dataId: object): { readonly isPacked?: boolean } };
  compileAndRun(
    program: WebglProgram,
    inputs: readonly Tensor[],
    dtype: 'float32',
    uniforms: readonly (readonly number[])[],
  ): TensorInfo;
}

interface WebgpuProgram {
  readonly variableNames: readonly string[];
  readonly outputShape: readonly number[];
  readonly outputComponent: 1 | 4;
  readonly variableComponents: readonly (1 | 4)[];
  readonly uniforms?: string;
  readonly workgroupSize: readonly [number, number, number];
  readonly dispatchLayout: { readonly x: readonly number[] };
  readonly dispatch: readonly [number, number, number];
  readonly size: true;
  readonly shaderKey: string;
  getUserCode(): string;
}

/** What the engine `webgpu` runs programs by. */
export interface Webgpu {
  runWebGPUProgram(
    program: WebgpuProgram,
    inputs: readonly Tensor[],
    dtype: 'float32',
    uniforms: readonly { readonly type: 'float32'; readonly data: readonly number[] }[],
  ): TensorInfo;
}

interface TensorInfo {
  readonly dataId: object;
  readonly shape: number[];
  readonly dtype: 'float32';
}

const tracked = (tf: TensorFlow, info: TensorInfo): Tensor => tf.engine().makeTensorFromTensorInfo(info);

const names = new Map<string, readonly string[]>();

/** The numbers that an expression names. */
function numbersIn(expression: string): readonly string[] {
  let found = names.get(expression);
  if (!found) names.set(expression, (found = [...new Set(expression.match(/\b[a-z]+\b/g))]));
  return found;
}

/** In textures packed as those of the gradient are: four elements at a time, or one. */
export const computeOnWebgl: Compute = (tf, expression, inputs, numbers) => {
  const engine = tf.backend() as unknown as Webgl;
  const variableNames = Object.keys(inputs);
  const tensors = Object.values(inputs);
  const { shape } = tensors[0]!;
  const own = numbersIn(expression);
  const packed = engine.texData.get((inputs.G ?? tensors.at(-1)!).dataId).isPacked === true;
  const type = packed ? 'vec4' : 'float';
  const program: WebglProgram = {
    variableNames,
    outputShape: shape,
    customUniforms: own.map((name) => ({ name, type: 'float' })),
    packedInputs: packed,
    packedOutput: packed,
    enableShapeUniforms: shape.length <= 4 && tf.env().getBool('WEBGL_USE_SHAPES_UNIFORMS'),
    userCode: `void main() {
      ${variableNames.map((name) => `${type} ${name} = get${name}AtOutCoords();`).join('\n')}
      setOutput(${expression});
    }`,
  };
  const uniforms = own.map((name) => [numbers[name]!]);
  return tracked(tf, engine.compileAndRun(program, tensors, 'float32', uniforms));
};

const WORKGROUP = 128;

/** Four elements for each invocation, where they are in fours. */
export const computeOnWebgpu: Compute = (tf, expression, inputs, numbers) => {
  const engine = tf.backend() as unknown as Webgpu;
  const variableNames = Object.keys(inputs);
  const tensors = Object.values(inputs);
  const { shape, size } = tensors[0]!;
  const own = numbersIn(expression);
  const lanes = size % 4 === 0 ? 4 : 1;
  const alone = (name: string): boolean => name === 'F' || size === 1;
  const program: WebgpuProgram = {
    variableNames,
    outputShape: shape,
    outputComponent: lanes,
    variableComponents: variableNames.map((name) => (alone(name) ? 1 : lanes)),
    ...(own.length > 0 && { uniforms: own.map((name) => `${name} : f32,`).join(' ') }),
    workgroupSize: [WORKGROUP, 1, 1],
    dispatchLayout: { x: shape.map((_, i) => i) },
    dispatch: [Math.ceil(size / lanes / WORKGROUP), 1, 1],
    size: true,
    shaderKey: `sgd ${lanes} ${size === 1 ? 1 : ''} ${expression}`,
    getUserCode: () => {
      const code = expression
        .replace(/\b[a-z]+\b/g, (name) => `uniforms.${name}`)
        .replace(/\b[A-Z]\b/g, (name) => `${name}[${alone(name) ? 0 : 'index'}]`);
      return `fn main(index : i32) { if (index < uniforms.size) { setOutputAtIndex(index, ${code}); } }`;
    },
  };
  const uniforms = own.map((name) => ({ type: 'float32' as const, data: [numbers[name]!] }));
  return tracked(tf, engine.runWebGPUProgram(program, tensors, 'float32', uniforms));
};
