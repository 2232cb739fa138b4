import { fill, type Formula } from './formula.ts';
import type { GlTexture, Gpu } from './gpu.ts';
import { kernelOf } from './kernels.ts';

/** Elements of the textures that wait to be written to again, together: 64 MB, and four times as much on WebGL 1. */
const MOST = 2 ** 24;

/** Runs kernels on WebGL. */
export interface Runs {
  /** The result, and then what the formula keeps, if it keeps something. */
  readonly run: (
    formula: Formula,
    output: readonly number[],
    tensors: readonly GlTexture[],
    numbers: readonly number[],
  ) => GlTexture[];
  /** A texture for so many elements, whatever their values are. */
  readonly target: (size: number) => GlTexture;
  /** Frees a result, whose texture is written to again by a run of as many threads. */
  readonly free: (tensor: GlTexture) => void;
  /** Deletes the textures that wait. */
  readonly clear: () => void;
}

/** Runs kernels whose arguments are textures. A new texture costs as much as a third of a pass: it is cleared before it is drawn to. */
export function runs(gpu: Gpu, wide: boolean): Runs {
  /** By the number of threads. */
  const waiting = new Map<number, GlTexture[]>();
  const made = new WeakSet<object>();
  let held = 0;

  // To find an element by its index costs several times what is done to it. Where a texture has the size that the output will have, the element is at the
  // place of the pixel.
  const at = (tensor: string, place: string): string =>
    `{ return ${wide ? 'texture' : 'texture2D'}(user_${tensor}, ${place}).r; }`;
  const native = (tensor: string): Record<string, string> => ({
    [`own_${tensor}`]: at(tensor, 'gl_FragCoord.xy / vec2(uTexSize)'),
    [`only_${tensor}`]: at(tensor, 'vec2(0.5)'),
  });

  const run: Runs['run'] = (formula, output, tensors, numbers) => {
    const [size] = output as readonly [number];
    const [width, height] = sideOf(size);
    const isAlike = (_: string, i: number): boolean => tensors[i]!.size[0] === width && tensors[i]!.size[1] === height;
    const own = formula.reduces || tensors.length === 0 ? undefined : formula.tensors.filter(isAlike);
    const kernel = kernelOf(gpu, formula, { kind: 'ArrayTexture(1)', rank: output.length, own, native });
    const results = formula.keeps ? 2 : 1;
    const targets = waiting.get(size) ?? [];
    if (kernel.kernel.built && output.length === 1 && targets.length >= results) {
      held -= results * size;
      // As setOutput does, which would make textures and clear the canvas.
      Object.assign(kernel.kernel, {
        output,
        threadDim: [size, 1, 1],
        texSize: [width, height],
        texture: targets.pop(),
        _textureSwitched: true,
        ...(results > 1 && { mappedTextures: [targets.pop()], _mappedTextureSwitched: [true] }),
      });
    } else {
      // Before every run, also of the same size: otherwise a texture of another size is taken for the output.
      kernel.setOutput(output);
    }
    const result = kernel(...tensors, ...numbers);
    const all = (results > 1 ? Object.values(result as object) : [result]) as GlTexture[];
    // the kernel would keep them until it runs again
    for (const texture of [kernel.kernel.texture, ...(kernel.kernel.mappedTextures ?? [])]) texture?.delete();
    kernel.kernel.texture = null;
    for (const { texture } of all) made.add(texture);
    return all;
  };
  return {
    run,
    target(size) {
      const made = waiting.get(size)?.pop();
      if (made) held -= size;
      return made ?? run(fill, [size], [], [0])[0]!;
    },
    free(tensor) {
      const [size] = tensor.output as readonly number[];
      const targets = waiting.get(size!) ?? [];
      if (made.has(tensor.texture) && tensor.texture._refs === 1 && held + size! <= MOST) {
        waiting.set(size!, targets);
        targets.push(tensor);
        held += size!;
      } else tensor.delete();
    },
    clear() {
      for (const targets of waiting.values()) for (const target of targets) target.delete();
      waiting.clear();
      held = 0;
    },
  };
}

/** Width and height of the textures that gpu.js makes for outputs of one dimension. */
function sideOf(size: number): readonly [number, number] {
  let high = Math.ceil(Math.sqrt(size));
  let low = Math.floor(Math.sqrt(size));
  while (high * low < size) low = Math.ceil(size / --high);
  return [low, Math.ceil(size / low)];
}
