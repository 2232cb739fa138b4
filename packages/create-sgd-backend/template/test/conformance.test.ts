import { conformance } from '@sgd/conformance';
import { describe, it } from 'vitest';
import { myBackend } from '../src/index.ts';

conformance({ backend: myBackend(), describe, it, expectedFailures: {} });
