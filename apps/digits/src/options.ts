import { MODELS, type ModelName } from './weights.ts';
import { SCHEDULES, type ScheduleName } from './schedule-names.ts';
import {
  choice,
  integer,
  jsonArray,
  jsonObject,
  number,
  pair,
  pattern,
  positive,
  text,
  type Reader,
} from './values.ts';

/** Everything the command line can set. Options of the optimizer that are `null` are off, as in Keras. */
export interface Options {
  readonly learningRate: number;
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number | null;
  readonly excludeFromWeightDecay: string | null;
  readonly clipnorm: number | null;
  readonly clipvalue: number | null;
  readonly globalClipnorm: number | null;
  readonly useEma: boolean;
  readonly emaMomentum: number;
  readonly emaOverwriteFrequency: number | null;
  readonly gradientAccumulationSteps: number | null;
  readonly lossScaleFactor: number | null;
  readonly dynamicLossScale: number | null;
  readonly dynamicGrowthSteps: number;
  readonly name: string | null;
  readonly nonFinite: 'keras' | 'skip' | 'throw';
  readonly groups: readonly unknown[] | null;
  readonly schedule: ScheduleName | null;
  readonly scheduleOptions: Readonly<Record<string, unknown>> | null;
  readonly warmupSteps: number | null;
  readonly warmupTarget: number | null;
  readonly model: ModelName;
  readonly epochs: number;
  readonly batch: number;
  readonly seed: number;
  readonly limit: number;
  readonly backend: string;
  readonly compare: readonly [string, string] | null;
  readonly gradientNorm: boolean;
  readonly report: string | null;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** One flag. Its name on the command line is the key with dashes: `learningRate` is `--learning-rate`. */
export interface Flag<K extends keyof Options = keyof Options> {
  readonly group: string;
  readonly key: K;
  /** What follows the flag, as the help calls it; a switch has none. */
  readonly value?: string;
  readonly read?: Reader<Options[K]>;
  readonly default: Options[K];
  /** What the flag alone means; only then may the value be left out. */
  readonly preset?: Options[K];
  readonly help: string;
}

const flag =
  (group: string) =>
  <K extends keyof Options>(
    key: K,
    value: string,
    read: Reader<Options[K]>,
    preset: Options[K],
    help: string,
    more: Partial<Flag<K>> = {},
  ): Flag =>
    ({ group, key, value, read, default: preset, help, ...more }) as unknown as Flag;
const toggle =
  (group: string) =>
  (key: 'nesterov' | 'useEma' | 'gradientNorm' | 'json' | 'quiet', preset: boolean, help: string): Flag => ({
    group,
    key,
    default: preset,
    help,
  });

const optimizer = flag('Optimizer (Keras SGD)');
const optimizerSwitch = toggle('Optimizer (Keras SGD)');
const schedule = flag('Learning rate schedule');
const training = flag('Training');
const output = flag('Output');
const outputSwitch = toggle('Output');

/** All flags: the parser, the help and the README are made from this list. */
export const FLAGS: readonly Flag[] = [
  optimizer('learningRate', 'number', number(), 0.2, 'step size, or where the schedule starts'),
  optimizer('momentum', 'number', number(0, 1), 0.9, 'share of the last step that is kept; 0 is plain descent'),
  optimizerSwitch('nesterov', true, 'look ahead along the momentum'),
  optimizer('weightDecay', 'number', number(), 1e-3, 'shrink weights by this times the learning rate'),
  optimizer('excludeFromWeightDecay', 'pattern', pattern, null, 'no decay for names that match, e.g. bias'),
  optimizer('clipnorm', 'number', number(), null, 'largest norm of each gradient'),
  optimizer('clipvalue', 'number', number(), null, 'largest magnitude of each element'),
  optimizer('globalClipnorm', 'number', number(), null, 'largest norm of all gradients together'),
  optimizerSwitch('useEma', false, 'keep moving averages of the weights, and end with them'),
  optimizer('emaMomentum', 'number', number(0, 1), 0.99, 'share of the average that is kept at each step'),
  optimizer('emaOverwriteFrequency', 'n', integer(1), null, 'every n updates the weights become their averages'),
  optimizer('gradientAccumulationSteps', 'n', integer(2), null, 'update once every n batches, by their mean'),
  optimizer('lossScaleFactor', 'number', number(), null, 'multiply the loss, divide the gradients'),
  optimizer('dynamicLossScale', 'initial', positive, null, 'scale the loss as far as it stays finite', {
    preset: 32_768,
  }),
  optimizer('dynamicGrowthSteps', 'n', integer(1), 2000, 'finite steps until the loss scale doubles'),
  optimizer('name', 'name', text, null, 'name of the optimizer'),
  optimizer(
    'nonFinite',
    'policy',
    choice('keras', 'skip', 'throw'),
    'keras',
    'keras (take them), skip or throw: gradients that are not finite',
  ),
  optimizer('groups', 'json', jsonArray, null, 'e.g. [{"paths":["hidden/bias"],"frozen":true}]'),
  schedule('schedule', 'name', choice(...SCHEDULES), 'cosine', SCHEDULES.join(', ')),
  schedule('scheduleOptions', 'json', jsonObject, null, 'its parameters, e.g. {"alpha":0.1}; see below'),
  schedule('warmupSteps', 'n', integer(1), null, 'cosine: steps until the warm-up ends'),
  schedule('warmupTarget', 'number', number(), null, 'cosine: rate that the warm-up ends with'),
  training('model', 'name', choice(...MODELS), 'mlp', 'mlp is 784-128-10 with relu, softmax is 784-10'),
  training('epochs', 'n', integer(1), 5, 'passes over the training digits'),
  training('batch', 'n', integer(1, 8000), 64, 'digits in a batch'),
  training('seed', 'n', integer(0, 0xffff_ffff), 1, 'fixes split, first weights and order of batches'),
  training('limit', 'n', integer(1, 8000), 8000, 'training digits to use; the test takes 2,000 others'),
  training(
    'backend',
    'name',
    text,
    'auto',
    'auto (where the gradients are), NAME[:VARIANT] of @sgd/NAME, a package, a file or tf.train.momentum',
  ),
  training('compare', 'a,b', pair, null, 'train with two backends, and say how their weights differ'),
  outputSwitch('gradientNorm', true, 'measure the norm of the gradients at each step'),
  output('report', 'file', text, 'reports/digits.html', 'where the report with the curves goes'),
  outputSwitch('json', false, 'end with one line of JSON on stdout; all else goes to stderr'),
  outputSwitch('quiet', false, 'print the result only'),
];

const DEFAULT_BUT_NULLABLE: readonly string[] = ['weightDecay', 'schedule', 'report'];

/** Whether `--no-…` switches it off. */
export function negatable(option: Flag): boolean {
  return option.default === null || typeof option.default === 'boolean' || DEFAULT_BUT_NULLABLE.includes(option.key);
}

/** `learningRate` is `--learning-rate`. */
export function dashed(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The options without any flag. */
export const DEFAULTS: Options = Object.fromEntries(
  FLAGS.map(({ key, default: value }) => [key, value]),
) as unknown as Options;
