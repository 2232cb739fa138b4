import { conformance } from '@sgd/conformance';
import { describe, it } from 'vitest';
import backend from '../src/conformance.ts';

describe.each(['node', 'wasm'])('%s', (variant) => {
  conformance({ backend: () => backend(variant), describe, it });
});
