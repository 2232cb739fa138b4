import type { Tensor } from '../tf.ts';
import { type Name, NUMBERS, type Pass, ruleOf, type Tensors } from './rule.ts';

// Passes on the engine `webgl`: one program with an output for each tensor that is made, which reads texels where it writes them. That
// is right only among textures of one layout, so what lies otherwise is copied first, by a program of tfjs.

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
  readonly FRAGMENT_SHADER: number;
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
  readonly reads: readonly Name[];
  readonly writes: readonly Name[];
  readonly framebuffer: object;
}

const programs = new WeakMap<object, Map<number, Program>>();

function programOf({ gpgpu }: Webgl, what: number, packed: boolean): Program {
  let own = programs.get(gpgpu);
  if (!own) programs.set(gpgpu, (own = new Map<number, Program>()));
  const key = 2 * what + Number(packed);
  let program = own.get(key);
  if (!program) own.set(key, (program = link(gpgpu, what, packed)));
  return program;
}

function link(gpgpu: Webgl['gpgpu'], what: number, packed: boolean): Program {
  const { gl } = gpgpu;
  const { reads, writes, code } = ruleOf(what);
  const shader = gl.createShader(gl.FRAGMENT_SHADER);
  gl.shaderSource(
    shader,
    `#version 300 es
    precision highp float;
    in vec2 resultUV;
    #define T ${packed ? 'vec4' : 'float'}
    uniform float P[${NUMBERS}];
    ${reads.map((name) => `uniform highp sampler2D t${name};`).join('\n')}
    ${writes.map((_, i) => `layout(location = ${i}) out vec4 o${i};`).join('\n')}
    void main() {
      
      ${reads.map((name) => (name === 'F' ? 'float F = texelFetch(tF, ivec2(0), 0).r;' : `T ${name} = texture(t${name}, resultUV)${packed ? '' : '.r'};`)).join('\n')}
      ${code.replaceAll('$', 'T')}
      ${writes.map(([, value], i) => `o${i} = vec4(${value});`).join('\n')}
    }`,
  );
  gl.compileShader(shader); // where it fails, so does linking
  const linked = gpgpu.createProgram(shader);
  gpgpu.buildVao(linked);
  reads.forEach((name, i) => gl.uniform1i(gl.getUniformLocation(linked, `t${name}`), i));
  const framebuffer = gl.createFramebuffer();
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  gl.drawBuffers(writes.map((_, i) => gl.COLOR_ATTACHMENT0 + i));
  const numbers = gl.getUniformLocation(linked, 'P');
  return { linked, numbers, reads, writes: writes.map(([name]) => name), framebuffer };
}

const same = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** In textures packed as those of the gradient are: four elements in a texel, or one. */
export const passOnWebgl: Pass = (tf, what, own, numbers) => {
  const engine = tf.backend() as unknown as Webgl;
  const { gpgpu, texData } = engine;
  const packed = texData.get((own.G ?? own.A ?? own.X)!.dataId).isPacked === true;
  const { gl } = gpgpu;
  const { linked, numbers: at, reads, writes, framebuffer } = programOf(engine, what, packed);
  const { shape } = (own.X ?? own.G)!;
  const made = writes.map(() => {
    const info = engine.makeTensorInfo(shape, 'float32');
    if (packed) texData.get(info.dataId).isPacked = true;
    engine.uploadToGPU(info.dataId);
    return info;
  });
  const outputs = made.map(({ dataId }) => texData.get(dataId));
  const copies: { dataId: object }[] = [];
  const inputs = reads.map((name) => {
    const tensor = own[name]!;
    const texels = upload(engine, tensor, packed);
    if (name === 'F' || fits(texels, shape, packed, outputs[0]!.texShape!)) return texels.texture!.texture;
    const copy = copied(engine, tensor, packed);
    copies.push(copy);
    return texData.get(copy.dataId).texture!.texture;
  });
  const [height, width] = outputs[0]!.texture!.texShape;
  gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
  outputs.forEach(({ texture }, i) =>
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + i, gl.TEXTURE_2D, texture!.texture, 0),
  );
  gl.viewport(0, 0, width, height);
  gl.scissor(0, 0, width, height);
  gpgpu.setProgram(linked);
  gpgpu.bindVertexArray(linked.vao);
  if (at) gl.uniform1fv(at, numbers.values);
  inputs.forEach((texture, i) => {
    gl.activeTexture(gl.TEXTURE0 + i);
    gl.bindTexture(gl.TEXTURE_2D, texture);
  });
  gpgpu.executeProgram();
  for (const copy of copies) engine.disposeIntermediateTensorInfo(copy);
  const results: Tensors = {};
  made.forEach((info, i) => (results[writes[i]!] = tf.engine().makeTensorFromTensorInfo(info)));
  return results;
};

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
