import { register } from './suite.mjs';

register(globalThis.describe, globalThis.it);
