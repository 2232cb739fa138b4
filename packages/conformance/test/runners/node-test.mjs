import { describe, it } from 'node:test';
import { register } from './suite.mjs';

register(describe, it);
