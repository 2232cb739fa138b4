import { glslSource, type Shader, type TexelLayout } from '@sgd/compile';
import type { Tensor } from '../tf.ts';
import type { Device, Run } from './device.ts';

// Programs on the engine `webgl`: with an output for each tensor that is made, which read texels where they write them. That is right only among textures of one layout, so what lies otherwise is copied first, by a program of tfjs.

type Shape = readonly number[];

interface Texels {
  readonly texture: { readonly texture: object; readonly texShape: readonly [number, number] } | null;
  readonly texShape: Shape | null;
  readonly values: unknown;
  readonly slice?: unknown;
  isPacked?: boolean;
  shape: Shape;
}

interface Gl {
  readonly FRAMEBUFFER: number;
  readonly COLOR_ATTACHMENT0: number;
  readonly TEXTURE_2D: number;
  readonly TEXTURE0: number;
  readonly MAX_DRAW_BUFFERS: number;
  readonly FRAGMENT_SHADER: number;
  getParameter(name: number): number;
  createFramebuffer(): object;
  bindFramebuffer(target: number, framebuffer: object): void;
  framebufferTexture2D(target: number, attachment: number, kind: number, texture: object, level: number): void;
  drawBuffers(attachments: readonly number[]): void;
  viewport(x: number, y: number, width: number, height: number): void;
  scissor(x: number, y: number, width: number, height: number): void;
  createShader(kind: number): object;
  shaderSource(shader: object, source: string): void;
  compileShader(shader: object): void;
  getUniformLocation(program: object, name: string): object | null;
  uniform1i(location: object | null, value: number): void;
  uniform1fv(location: object | null, values: Float32Array): void;
  uniform4i(location: object | null, a: number, b: number, c: number, d: number): void;
  activeTexture(unit: number): void;
  bindTexture(target: number, texture: object): void;
}

interface Linked {
  readonly vao: object;
}

/** What the engine `webgl` runs programs by, and what it knows of textures. */
export interface Webgl {
  readonly gpgpu: {
    readonly gl: Gl;
    createProgram(shader: object): Linked;
    buildVao(program: Linked): void;
    setProgram(program: Linked): void;
    bindVertexArray(vao: object): void;
    executeProgram(): void;
  };
  readonly texData: { get(dataId: object): Texels };
  makeTensorInfo(shape: Shape, dtype: 'float32'): { dataId: object; shape: number[]; dtype: 'float32' };
  uploadToGPU(dataId: object): void;
  compileAndRun(program: object, inputs: readonly Tensor[], dtype: 'float32'): { dataId: object };
  disposeIntermediateTensorInfo(info: { dataId: object }): void;
}

interface Program {
  readonly linked: Linked;
  readonly numbers: object | null;
  readonly size: object | null;
  readonly framebuffer: object;
}

/** Of a device: by text, and so by shader and layout. */
interface Programs {
  readonly byText: Map<string, Program>;
  readonly byShader: WeakMap<Shader, Partial<Record<TexelLayout, Program>>>;
}

const programs = new WeakMap<object, Programs>();

function programOf({ gpgpu }: Webgl, shader: Shader, layout: TexelLayout): Program {
  let own = programs.get(gpgpu);
  if (!own) programs.set(gpgpu, (own = { byText: new Map(), byShader: new WeakMap() }));
  let layouts = own.byShader.get(shader);
  if (!layouts) own.byShader.set(shader, (layouts = {}));
  return (layouts[layout] ??= ofText(own.byText, gpgpu, shader, layout));
}

function ofText(known: Map<string, Program>, gpgpu: Webgl['gpgpu'], shader: Shader, layout: TexelLayout): Program {
  const text = glslSource(shader, layout);
  let program = known.get(text);
  if (!program) known.set(text, (program = link(gpgpu, shader, text)));
  return program;
}

function link(gpgpu: Webgl['gpgpu'], { tensors, deviceNumbers, outputs }: Shader, text: string): Program {
  const { gl } = gpgpu;
  const fragment = gl.createShader(gl.FRAGMENT_SHADER);
  gl.shaderSource(fragment, text);
  gl.compileShader(fragment); // where it fails, so does linking
  const linked = gpgpu.createProgram(fragment);
  gpgpu.buildVao(linked);
  const samplers = [...tensors.map((_, i) => `s${i}`), ...deviceNumbers.map((_, i) => `e${i}`)];
  samplers.forEach((name, i) => gl.uniform1i(gl.getUniformLocation(linked, name), i));
  const framebuffer = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  gl.drawBuffers(outputs.map((_, i) => gl.COLOR_ATTACHMENT0 + i));
  const [numbers, size] = ['N', 'size'].map((name) => gl.getUniformLocation(linked, name)) as [
    object | null,
    object | null,
  ];
  return { linked, numbers, size, framebuffer };
}

const same = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** In textures packed as those of the gradient are: four elements in a texel, or one. */
export const webglDevice: Device = {
  writesInPlace: false,
  fits(tf) {
    const { gl } = (tf.backend() as unknown as Webgl).gpgpu;
    const most = gl.getParameter(gl.MAX_DRAW_BUFFERS);
    return ({ outputs }) => outputs.length <= most;
  },
  run(tf, run) {
    const engine = tf.backend() as unknown as Webgl;
    const { shape } = run;
    const layout = layoutOf(engine, run);
    const packed = layout !== 'one';
    const made = run.shader.outputs.map(() => {
      const info = engine.makeTensorInfo(shape, 'float32');
      if (packed) engine.texData.get(info.dataId).isPacked = true;
      engine.uploadToGPU(info.dataId);
      return info;
    });
    const outputs = made.map(({ dataId }) => engine.texData.get(dataId));
    const copies: { dataId: object }[] = [];
    const inputs = run.tensors.map((tensor) => {
      const texels = upload(engine, tensor, packed);
      if (fits(texels, shape, packed, outputs[0]!.texShape!)) return texels;
      const copy = copied(engine, tensor, packed);
      copies.push(copy);
      return engine.texData.get(copy.dataId);
    });
    inputs.push(...run.deviceNumbers.map((tensor) => upload(engine, tensor, packed)));
    draw(engine, programOf(engine, run.shader, layout), run, inputs, outputs);
    for (const copy of copies) engine.disposeIntermediateTensorInfo(copy);
    return made.map((info) => tf.engine().makeTensorFromTensorInfo(info));
  },
};

/** Rows and columns of the innermost matrix: it is packed in twos by two. */
const matrixOf = (shape: Shape): readonly [rows: number, columns: number] => [shape.at(-2) ?? 1, shape.at(-1) ?? 1];

function layoutOf({ texData }: Webgl, { like, shape }: Run): TexelLayout {
  if (like === undefined || texData.get(like.dataId).isPacked !== true) return 'one';
  return matrixOf(shape).every((length) => length % 2 === 0) ? 'four' : 'four-with-gaps';
}

function draw(
  { gpgpu }: Webgl,
  { linked, numbers, size, framebuffer }: Program,
  { hostNumbers, shape }: Run,
  inputs: readonly Texels[],
  outputs: readonly Texels[],
): void {
  const { gl } = gpgpu;
  const [height, width] = outputs[0]!.texture!.texShape;
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  outputs.forEach(({ texture }, i) =>
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + i, gl.TEXTURE_2D, texture!.texture, 0),
  );
  gl.viewport(0, 0, width, height);
  gl.scissor(0, 0, width, height);
  gpgpu.setProgram(linked);
  gpgpu.bindVertexArray(linked.vao);
  if (numbers) gl.uniform1fv(numbers, hostNumbers.values);
  if (size) gl.uniform4i(size, height, width, ...matrixOf(shape));
  inputs.forEach(({ texture }, i) => {
    gl.activeTexture(gl.TEXTURE0 + i);
    gl.bindTexture(gl.TEXTURE_2D, texture!.texture);
  });
  gpgpu.executeProgram();
}

/** Values that are still on the host go to a texture of the wanted kind. */
function upload(engine: Webgl, { dataId, shape }: Tensor, packed: boolean): Texels {
  const texels = engine.texData.get(dataId);
  if (texels.texture) return texels;
  if (packed) {
    texels.isPacked = true;
    texels.shape = shape;
  }
  engine.uploadToGPU(dataId);
  return texels;
}

/** Whether elements lie as in a texture that is made for the shape. */
const fits = (
  { isPacked = false, slice, texShape, shape: own }: Texels,
  shape: Shape,
  packed: boolean,
  like: Shape,
): boolean => isPacked === packed && !slice && same(texShape!, like) && (!packed || same(own, shape));

function copied(engine: Webgl, tensor: Tensor, packed: boolean): { dataId: object } {
  const program = {
    variableNames: ['A'],
    outputShape: tensor.shape,
    packedInputs: packed,
    packedOutput: packed,
    // tfjs knows programs by their text: it must not be the same for both
    userCode: `void main() { ${packed ? 'vec4' : 'float'} a = getAAtOutCoords(); setOutput(a); }`,
  };
  return engine.compileAndRun(program, [tensor], 'float32');
}
