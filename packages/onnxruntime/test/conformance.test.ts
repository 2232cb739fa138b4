import { conformance } from '@sgd/conformance';
import { describe, it } from 'vitest';
import backend from '../src/conformance.ts';

describe('node', () => {
  conformance({ backend: () => backend('node'), describe, it });
});
