/** What other apps use of this one: the same digits, batches and first weights for the same seed. Runs in browsers, too. */
export {
  type Batch,
  CLASSES,
  type Digits,
  DIGITS,
  epochs,
  gather,
  PIXELS,
  type Split,
  splitDigits,
  TEST_DIGITS,
} from './batches.ts';
export { compareWeights, type Difference, sameWeights } from './compare.ts';
export { randomStream } from './random.ts';
export { initialWeights, type ModelName, MODELS, type Values, weightShapes } from './weights.ts';
