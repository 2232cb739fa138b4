import { conformance } from '@sgd/conformance';
import make from '@sgd/gpujs/conformance';
import { describe, it } from 'vitest';

// The host computes: the bits are claimed, and compared.
describe.each(['cpu', 'webasm'])('mode %s', (mode) => {
  conformance({ backend: make(mode), describe, it });
});
