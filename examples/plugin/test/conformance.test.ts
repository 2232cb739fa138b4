import { conformance } from '@sgd/conformance';
import { describe, it } from 'vitest';
import { sgdJax } from '../src/index.ts';

conformance({ backend: sgdJax(), describe, it, expectedFailures: {} });
