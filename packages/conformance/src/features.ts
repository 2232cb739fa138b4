import { defineOptimizer, nonNegative, SGD, type Extras, type Feature, type Mode, type SGDOptions } from '@sgd/core';
import { type AnyBackend, tensor } from './backend.ts';
import { wantRefusal } from './refusals.ts';

/** Divides each gradient by its L2 norm. */
const NeedsSum = defineOptimizer({
  className: 'NeedsSum',
  rule: {
    slots: () => [],
    update: (ops, _config, { x, g }, { learningRate }) => ({
      x: ops.sub(x, ops.mul(ops.div(g, ops.sqrt(ops.sum(ops.mul(g, g)))), learningRate)),
    }),
  },
});

/** Takes a root of each gradient. */
const NeedsPow = defineOptimizer({
  className: 'NeedsPow',
  rule: {
    slots: () => [],
    update: (ops, _config, { x, g }, { learningRate }) => ({
      x: ops.sub(x, ops.mul(ops.pow(ops.abs(g), ops.constant(0.3)), learningRate)),
    }),
  },
});

interface Probe {
  readonly Optimizer?: typeof NeedsSum;
  readonly options: SGDOptions;
  readonly extras?: Extras;
  readonly build?: { overwriteWithGradient?: string[]; constraints?: Record<string, typeof nonNegative> };
}

/** For each feature, options that need it (and, for some, another one besides). */
const probes: Readonly<Record<Exclude<Feature, 'float64'>, Probe>> = {
  'weight-decay': { options: { weightDecay: 0.1 } },
  accumulation: { options: { gradientAccumulationSteps: 2 } },
  average: { options: { useEma: true } },
  'finite-check': { options: {}, extras: { nonFinite: 'skip' } },
  'clip-value': { options: { clipvalue: 1 } },
  'clip-norm': { options: { clipnorm: 1 } },
  'clip-global-norm': { options: { globalClipnorm: 1 } },
  groups: { options: {}, extras: { groups: [{ paths: ['x'], learningRate: 0.5 }] } },
  measure: { options: {}, extras: { measure: ['gradient-norm'] } },
  overwrite: { options: {}, build: { overwriteWithGradient: ['x'] } },
  constraint: { options: {}, build: { constraints: { x: nonNegative } } },
  pow: { Optimizer: NeedsPow, options: {} },
  sum: { Optimizer: NeedsSum, options: {} },
};

/** Fails unless what needs the feature is refused by name: by core when it is built or, for float64, by the backend itself. */
export async function wantFeatureRefused(backend: AnyBackend, feature: Feature): Promise<void> {
  const made: unknown[] = [];
  const { Optimizer = SGD, options, extras, build }: Probe = feature === 'float64' ? { options: {} } : probes[feature];
  const attempt = (): unknown => {
    const x = backend.variable(tensor([1, 2], [2], feature === 'float64' ? 'float64' : 'float32'));
    made.push(x);
    return new Optimizer<unknown, unknown, Mode>(options, backend, extras).build({ x }, build);
  };
  await wantRefusal(`options that need "${feature}"`, attempt, ['SGD_UNSUPPORTED'], [feature]);
  for (const x of made) backend.free(x);
}
