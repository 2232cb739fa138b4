import { runInNewContext } from 'node:vm';
import type { FloatArray } from '@sgd/core';

/** An array made in another realm, as in an iframe or a test runner's sandbox. */
export const foreign = (code: string): FloatArray => runInNewContext(code) as FloatArray;
