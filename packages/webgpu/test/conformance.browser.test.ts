import { conformance } from '@sgd/conformance';
import backend from '@sgd/webgpu/conformance';
import { describe, it } from 'vitest';

conformance({ backend: () => backend(), describe, it });
