import { type Backend, type Feature, type HostTensor, SgdError, shown, shownShape } from '@sgd/core';
import { engineOf, isHosted, readsAtOnce } from './engines.ts';
import { choosePath, type PathInfo } from './paths.ts';
import { openSession } from './session.ts';
import { copied } from './state.ts';
import type { Tensor, TensorFlow, Variable } from './tf.ts';

/** What {@link TfjsBackend} factories take. */
export interface TfjsOptions {
  /** Another copy of TensorFlow.js than the one that the package finds, e.g. the global `tf` of a script tag. */
  readonly tf?: TensorFlow | undefined;
  /** Whether to use operations of tfjs only, also where a fused step is known; default `false`. */
  readonly exact?: boolean | undefined;
  /** Receives what should be known before training, such as a device that computes in 16 bits; default `console.warn`. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** TensorFlow.js as an engine of `@sgd/core`. */
export interface TfjsBackend extends Backend<Variable, Tensor, 'sync'> {
  /** Which way a step takes on the engine of now, and why. */
  path(): PathInfo;
}

const WITHOUT_READING: readonly Feature[] = [
  'weight-decay',
  'accumulation',
  'average',
  'clip-value',
  'clip-norm',
  'clip-global-norm',
  'groups',
  'measure',
  'overwrite',
  'pow',
  'sum',
];
const FEATURES = new Set(WITHOUT_READING);
const FEATURES_WITH_READING = new Set<Feature>([...WITHOUT_READING, 'finite-check', 'constraint']);

/** What the engine of now can do. */
export const featuresOf = (tf: TensorFlow): ReadonlySet<Feature> =>
  readsAtOnce(engineOf(tf)) ? FEATURES_WITH_READING : FEATURES;

const EXACT = { rtol: 0, atol: 0 };
// GPUs contract a multiplication and an addition, divide to a few units in the last place, and take subnormal numbers for 0
const OF_GPUS = { rtol: 2e-6, atol: 2 ** -126 };

/** How exact the engine of now is. */
export const toleranceOf = (tf: TensorFlow): TfjsBackend['tolerance'] => (isHosted(engineOf(tf)) ? EXACT : OF_GPUS);

const isTensor = (value: unknown): value is Tensor => {
  const { dataId, shape, dataSync } = (value ?? {}) as Partial<Tensor>;
  return typeof dataId === 'object' && Array.isArray(shape) && typeof dataSync === 'function';
};

const isVariable = (value: unknown): value is Variable =>
  isTensor(value) && typeof (value as Partial<Variable>).assign === 'function';

function wantFloat32({ data }: HostTensor): void {
  if (data[Symbol.toStringTag] !== 'Float32Array')
    throw new SgdError('SGD_UNSUPPORTED', 'TensorFlow.js has no float64: expected a Float32Array');
}

/** The name where it is free; tfjs refuses one that is taken. */
function named(tf: TensorFlow, name: string | undefined): string | undefined {
  return name !== undefined && name in tf.engine().state.registeredVariables ? undefined : name;
}

/** What a variable is; throws for anything else. */
export function describe(variable: Variable): ReturnType<TfjsBackend['describe']> {
  if (!isVariable(variable)) throw new TypeError('expected a tf.Variable');
  const { name, shape, dtype, isDisposed } = variable;
  if (isDisposed) throw new SgdError('SGD_DETACHED', `the variable "${name}" was disposed of`);
  return { name, shape, dtype };
}

/** `null` when the gradient fits; else what came. */
export const refuses: TfjsBackend['refuses'] = (gradient, index, program) => {
  if (!isTensor(gradient)) {
    const isArray = Array.isArray(gradient) || ArrayBuffer.isView(gradient);
    return isArray ? 'an array, which is no tensor: make one of it with tf.tensor' : 'what is no tensor';
  }
  const { shape } = program.variables[index]!;
  let fits = gradient.dtype === 'float32' && gradient.shape.length === shape.length && !gradient.isDisposed;
  for (let i = 0; i < shape.length; i++) fits = fits && gradient.shape[i] === shape[i];
  return fits
    ? null
    : `a ${gradient.isDisposed ? 'disposed ' : ''}tensor of shape ${shownShape(gradient.shape)}, ${shown(gradient.dtype)}`;
};

const warned = new WeakSet<object>();

/** Textures of 16 bits lose small updates: 1 - 1e-4 stays 1. */
export function warnOfHalf(tf: TensorFlow, warn: (message: string) => void): void {
  const engine = tf.backend();
  if (engineOf(tf) !== 'webgl' || tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED') || warned.has(engine)) return;
  warned.add(engine);
  warn(
    'this device computes in 16-bit floats: an update of less than 1/2048 of a weight is lost; train on the wasm engine, or with a larger learning rate',
  );
}

/** What of {@link TfjsOptions} the engine has, whatever copy of TensorFlow.js it is over. */
export const OPTIONS = ['exact', 'warn'] as const;

/** The engine over a copy of TensorFlow.js. */
export function makeBackend(tf: TensorFlow, { exact = false, warn = toConsole }: TfjsOptions): TfjsBackend {
  return {
    contract: 2,
    name: 'tfjs',
    mode: 'sync',
    get supports() {
      return featuresOf(tf);
    },
    get tolerance() {
      return toleranceOf(tf);
    },
    variable(values) {
      wantFloat32(values);
      return tf.tidy(() => tf.variable(copied(tf, values.data, values.shape), true, named(tf, values.name)));
    },
    gradient(values) {
      wantFloat32(values);
      return tf.keep(copied(tf, values.data, values.shape));
    },
    free: (value) => value.dispose(),
    describe,
    refuses,
    open(program, variables) {
      warnOfHalf(tf, warn);
      const refs = variables.map((variable) => ({ variable }));
      return openSession(tf, program, refs, variables, exact);
    },
    path() {
      const { engine, path, why } = choosePath(tf, exact);
      return { engine, path, why };
    },
  };
}

/** As core's warnings. */
export const toConsole = (message: string): void => {
  const { console } = globalThis as { console?: { warn(text: string): void } };
  console?.warn(message);
};
