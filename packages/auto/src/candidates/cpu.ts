import type { Candidate } from '../candidate.ts';
import { load } from '../environment.ts';

/** `@sgd/cpu`: plain JavaScript over typed arrays. */
export const cpuCandidate: Candidate<'host'> = {
  name: 'cpu',
  package: '@sgd/cpu',
  gradients: 'host',
  async open(environment) {
    const { cpu } = await load(environment, '@sgd/cpu', () => import('@sgd/cpu'));
    return { backend: cpu(), device: 'cpu', note: 'plain JavaScript, float32 and float64' };
  },
};
