import type { Candidate } from '../candidate.ts';
import { load, Unusable } from '../environment.ts';
import { wantFloatTargets, wantWebGpu } from '../probes.ts';

/** What is asked of TensorFlow.js. */
interface TensorFlow {
  getBackend(): string | undefined;
  ready(): Promise<void>;
  env(): { getBool(flag: string): boolean };
}

/** `@sgd/tfjs`: tensors of TensorFlow.js, on the engine that it is on. The engine is the user's choice, by `tf.setBackend`. */
export const tfjsCandidate: Candidate<'tfjs'> = {
  name: 'tfjs',
  package: '@sgd/tfjs',
  gradients: 'tfjs',
  async open(environment, given) {
    const core = () => load(environment, '@tensorflow/tfjs-core', () => import('@tensorflow/tfjs-core'));
    const tf = (given.tf ?? (await core())) as TensorFlow;
    const { tfjs } = await load(environment, '@sgd/tfjs', () => import('@sgd/tfjs'));
    await started(tf);
    const engine = tf.getBackend()!;
    if (engine === 'webgl' && !tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) {
      throw new Unusable(
        "tfjs is on webgl, which draws 16-bit floats on this device, too few to train: await tf.setBackend('wasm')",
      );
    }
    const found =
      engine === 'webgl' ? wantFloatTargets(environment) : engine === 'webgpu' ? await wantWebGpu(environment) : null;
    const options = given.tf === undefined ? {} : { tf: given.tf as never };
    const backend = tfjs(options);
    const { path, why } = backend.path();
    const of = found?.description ? ` of ${found.description}` : '';
    return {
      backend,
      device: found === null ? 'cpu' : found.software ? 'software' : 'gpu',
      note: `tfjs is on ${engine}${of}; steps are ${path === 'fused' ? 'fused' : 'by operations of tfjs'}: ${why}`,
    };
  },
};

async function started(tf: TensorFlow): Promise<void> {
  try {
    await tf.ready();
  } catch {
    // without an engine it throws; what it says of that helps nobody
  }
  if (!tf.getBackend()) {
    throw new Unusable(
      "TensorFlow.js has no engine: import '@tensorflow/tfjs-backend-wasm' (or -cpu, -webgl, -webgpu), then await tf.setBackend('wasm')",
    );
  }
}
