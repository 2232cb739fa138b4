import { conformance } from '@sgd/conformance';
import backend from '@sgd/tfjs/conformance';
import { describe, it } from 'vitest';

describe.each(['cpu', 'wasm', 'cpu-ops', 'wasm-ops'])('%s', (variant) => {
  conformance({ backend: () => backend(variant), describe, it });
});
