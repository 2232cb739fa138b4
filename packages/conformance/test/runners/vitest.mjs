import { describe, it } from 'vitest';
import { register } from './suite.mjs';

register(describe, it);
