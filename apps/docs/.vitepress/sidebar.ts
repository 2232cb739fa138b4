import type { DefaultTheme } from 'vitepress';

const packages = ['core', 'auto', 'cpu', 'wasm', 'tfjs', 'onnxruntime', 'gpujs', 'webgpu', 'compile', 'conformance'];

const links = (list: readonly (readonly [string, string])[]): DefaultTheme.SidebarItem[] =>
  list.map(([text, link]) => ({ text, link }));

/** The pages, in the order in which one reads them. */
export const SIDEBAR: DefaultTheme.SidebarItem[] = [
  {
    text: 'Start',
    items: links([
      ['In one screen', '/'],
      ['In five minutes', '/start'],
      ['五分钟上手', '/start.zh-CN'],
      ['Save training, and go on', '/saving'],
    ]),
  },
  {
    text: 'Moving here',
    items: links([
      ['From tf.train', '/moving-from-tfjs'],
      ['From Keras', '/from-keras'],
      ['From PyTorch', '/moving-from-pytorch'],
      ['Differences from Keras', '/differences-from-keras'],
    ]),
  },
  {
    text: 'Options',
    collapsed: true,
    items: links([
      ['All options', '/options/'],
      ['learningRate', '/options/learning-rate'],
      ['momentum', '/options/momentum'],
      ['nesterov', '/options/nesterov'],
      ['weightDecay', '/options/weight-decay'],
      ['clipnorm', '/options/clipnorm'],
      ['globalClipnorm', '/options/global-clipnorm'],
      ['clipvalue', '/options/clipvalue'],
      ['useEma: averages', '/options/averages'],
      ['gradientAccumulationSteps', '/options/gradient-accumulation-steps'],
      ['lossScaleFactor', '/options/loss-scale-factor'],
      ['Dynamic loss scaling', '/options/dynamic-loss-scale'],
      ['groups', '/options/groups'],
      ['nonFinite, measure, …', '/options/extras'],
    ]),
  },
  {
    text: 'Schedules',
    collapsed: true,
    items: links([
      ['All schedules', '/schedules/'],
      ['ExponentialDecay', '/schedules/exponential-decay'],
      ['InverseTimeDecay', '/schedules/inverse-time-decay'],
      ['PiecewiseConstantDecay', '/schedules/piecewise-constant-decay'],
      ['PolynomialDecay', '/schedules/polynomial-decay'],
      ['CosineDecay', '/schedules/cosine-decay'],
      ['CosineDecayRestarts', '/schedules/cosine-decay-restarts'],
    ]),
  },
  {
    text: 'Engines',
    items: links([
      ['Which backend here', '/which-backend'],
      ['Write an optimizer', '/write-an-optimizer'],
      ['Write a backend', '/write-a-backend'],
      ['gpu.js in practice', '/gpujs'],
    ]),
  },
  {
    text: 'Trust',
    items: links([
      ['How we know the numbers are right', '/how-we-know'],
      ['What the tests notice', '/mutation'],
      ['Bench', '/bench'],
      ['Contributing', '/contributing'],
    ]),
  },
  { text: 'Packages', items: packages.map((name) => ({ text: `@sgd/${name}`, link: `/packages/${name}` })) },
];
