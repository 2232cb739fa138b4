import { GPU } from 'gpu.js';
import { onTestFinished } from 'vitest';

/** What went through a WebGL context since the counts were last taken. */
export interface Counts {
  /** Calls that brought values to the device. */
  readonly uploads: number;
  /** Textures that were made. */
  readonly made: number;
  /** Pixels that were read, one entry for each call. */
  readonly reads: readonly number[];
}

/** A context whose own functions count. */
export interface Counted {
  /** The counts since the last call. */
  take(): Counts;
  /** Textures that were made and not deleted. */
  readonly live: number;
}

export const SINGLE = { pipeline: true, precision: 'single', immutable: true, tactic: 'precision' } as const;

/** A GPU for one test, as a user makes it. */
export function userGpu(mode: string, settings: object = {}): GPU {
  const gpu = new GPU({ mode: mode as 'webgl2', ...settings });
  onTestFinished(() => gpu.destroy());
  return gpu;
}

/** Wraps the functions of a context that move values, and those that make and delete textures. */
export function counting(context: unknown): Counted {
  const gl = context as WebGL2RenderingContext;
  const textures = new Set<WebGLTexture>();
  let uploads = 0;
  let made = 0;
  let reads: number[] = [];
  const wrap = <K extends 'createTexture' | 'deleteTexture' | 'texImage2D' | 'texSubImage2D' | 'readPixels'>(
    name: K,
    look: (args: readonly unknown[], result: unknown) => void,
  ): void => {
    const original = gl[name].bind(gl) as (...args: readonly unknown[]) => unknown;
    Object.assign(gl, {
      [name](...args: readonly unknown[]) {
        const result = original(...args);
        look(args, result);
        return result;
      },
    });
  };
  wrap('createTexture', (_, texture) => {
    textures.add(texture as WebGLTexture);
    made++;
  });
  wrap('deleteTexture', ([texture]) => textures.delete(texture as WebGLTexture));
  wrap('texImage2D', (args) => {
    if (args.at(-1) !== null) uploads++; // without values it only takes memory
  });
  wrap('texSubImage2D', () => uploads++);
  wrap('readPixels', (args) => reads.push((args[2] as number) * (args[3] as number)));
  return {
    take() {
      const counts = { uploads, made, reads };
      uploads = 0;
      made = 0;
      reads = [];
      return counts;
    },
    get live() {
      return textures.size;
    },
  };
}
