import { CONTENDERS } from './contenders.ts';

/** What is timed. */
export interface Options {
  readonly mode: 'webgl2' | 'webgl';
  readonly elements: number;
  readonly samples: number;
}

/** Milliseconds of a step, and of its update alone: medians. */
export interface Row {
  readonly contender: string;
  readonly step: number;
  readonly update: number;
  /** Half the distance between the quartiles of `step`, as a share of it. */
  readonly spread: number;
  /** How far the weights are from those of the first contender after three steps. */
  readonly difference: number;
}

/** The figures, and who drew. */
export interface Figures {
  readonly renderer: string;
  readonly rows: readonly Row[];
}

/** Steps of a sample. */
const STEPS = 5;

const at = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.round(share * (values.length - 1))]!;

/** Contenders take turns, sample by sample, so that what slows the machine for a while slows all of them. */
export async function measure({ mode, elements, samples }: Options): Promise<Figures> {
  const started = CONTENDERS.map((start) => start(mode, elements));
  const all: Float32Array[] = [];
  for (const each of started) {
    for (let step = 0; step < 3; step++) {
      each.gradient();
      each.update();
    }
    all.push((await each.weights()).slice());
  }
  const timed = started.map(() => ({ step: [] as number[], update: [] as number[] }));
  for (let sample = 0; sample < samples; sample++) {
    for (const [i, each] of started.entries()) {
      each.settle();
      const begin = performance.now();
      for (let step = 0; step < STEPS; step++) {
        each.gradient();
        each.update();
      }
      each.settle();
      const middle = performance.now();
      for (let step = 0; step < STEPS; step++) each.update();
      each.settle();
      timed[i]!.step.push((middle - begin) / STEPS);
      timed[i]!.update.push((performance.now() - middle) / STEPS);
    }
    console.log(`${sample + 1} of ${samples}`);
  }
  for (const each of started) await each.destroy();
  const rows = started.map(({ name: contender }, i) => {
    const { step, update } = timed[i]!;
    const median = at(step, 0.5);
    return {
      contender,
      step: median,
      update: at(update, 0.5),
      spread: (at(step, 0.75) - at(step, 0.25)) / 2 / median,
      difference: all[i]!.reduce((most, w, j) => Math.max(most, Math.abs(w - all[0]![j]!)), 0),
    };
  });
  return { renderer: rendererOf(mode), rows };
}

function rendererOf(mode: Options['mode']): string {
  const gl = document.createElement('canvas').getContext(mode) as WebGLRenderingContext;
  const info = gl.getExtension('WEBGL_debug_renderer_info');
  return String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}
