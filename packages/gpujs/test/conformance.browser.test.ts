import { conformance } from '@sgd/conformance';
import make from '@sgd/gpujs/conformance';
import { describe, it } from 'vitest';

// Software rendering rounds as the host does and flushes what is smaller than 2^-126: no more is allowed here. `tolerance` says more, as GPUs may.
describe.each(['webgl2', 'webgl', 'webgpu'])('mode %s', (mode) => {
  const backend = { ...make(mode), tolerance: { rtol: 0, atol: 2 ** -126 } };
  conformance({ backend, describe, it });
});
