import { fieldOf, type Section } from './fields.ts';
import { choice, flag, integer, number, optional } from './kinds.ts';
import { CLIPS, LOSS_SCALES, POLICIES, type RunSettings, type TrainingSettings } from './model.ts';
import { RATE_SECTION } from './rate-section.ts';

const field = fieldOf<RunSettings>();

/** Every option of the optimizer. */
export const RUN_SECTIONS: readonly Section<RunSettings>[] = [
  RATE_SECTION,
  {
    title: 'Momentum',
    formula: ({ momentum, nesterov }) => {
      if (momentum === 0) return 'x = x − g · lr';
      return `m = m · momentum − g · lr; x = x + ${nesterov ? '(m · momentum − g · lr)' : 'm'}`;
    },
    summary: ({ momentum, nesterov }) => (momentum === 0 ? 'off' : `${momentum}${nesterov ? ', Nesterov' : ''}`),
    fields: [
      field('momentum', 'Momentum', number({ least: 0, most: 1 }), 0.9, 'Share of the last step that is kept'),
      field('nesterov', 'Nesterov', flag, true, 'Look ahead along the momentum', {
        when: ({ momentum }) => momentum !== 0,
      }),
    ],
  },
  {
    title: 'Weight decay',
    formula: () => 'x = x − (x · weight decay) · lr',
    summary: ({ weightDecay, excludeBiases }) =>
      weightDecay === null ? 'off' : `${weightDecay}${excludeBiases ? ', not of biases' : ''}`,
    fields: [
      field('weightDecay', 'Weight decay', optional(number({ least: 0 })), 1e-3, 'Shrinks weights before each update', {
        empty: 'off',
      }),
      field('excludeBiases', 'Leave biases out', flag, false, 'No decay where the name has “bias”', {
        when: ({ weightDecay }) => weightDecay !== null,
      }),
    ],
  },
  {
    title: 'Clipping',
    formula: ({ clip }) =>
      ({
        none: 'g = g',
        clipvalue: 'g = min(max(g, −limit), limit)',
        clipnorm: 'g = g · limit / max(‖g‖, limit), for each variable',
        globalClipnorm: 'g = g · limit / max(‖all g‖, limit)',
      })[clip],
    summary: ({ clip, clipLimit }) => (clip === 'none' ? 'off' : `${clip} ${clipLimit}`),
    fields: [
      field('clip', 'Clip', choice(CLIPS), 'none', 'Keras takes one of the three', {
        names: {
          none: 'Nothing',
          clipvalue: 'Each element (clipvalue)',
          clipnorm: 'Each gradient’s norm (clipnorm)',
          globalClipnorm: 'The norm of all (globalClipnorm)',
        },
      }),
      field('clipLimit', 'Limit', number({ above: 0 }), 1, 'Largest magnitude or norm', {
        when: ({ clip }) => clip !== 'none',
      }),
    ],
  },
  {
    title: 'Average of weights',
    formula: () => 'average = β · average + (1 − β) · x',
    summary: ({ useEma, emaMomentum }) => (useEma ? `β ${emaMomentum}` : 'off'),
    fields: [
      field('useEma', 'Keep an average', flag, false, 'It becomes the weights when the training ends'),
      field('emaMomentum', 'β (emaMomentum)', number({ least: 0, most: 1 }), 0.99, 'Share that is kept at each step', {
        when: ({ useEma }) => useEma,
      }),
      field(
        'emaOverwriteFrequency',
        'Overwrite every',
        optional(integer({ least: 1 })),
        null,
        'After so many updates the weights become it',
        { empty: 'at the end only', when: ({ useEma }) => useEma },
      ),
    ],
  },
  {
    title: 'Accumulation and loss scale',
    formula: ({ lossScale }) => (lossScale === 'none' ? 'g = mean of n batches' : 'g = mean of (scaled g / scale)'),
    summary: ({ gradientAccumulationSteps: n, lossScale }) =>
      [n === null ? '' : `${n} batches`, lossScale === 'none' ? '' : `${lossScale} scale`].filter(Boolean).join(', ') ||
      'off',
    fields: [
      field(
        'gradientAccumulationSteps',
        'Accumulate',
        optional(integer({ least: 2 })),
        null,
        'One update every n batches',
        {
          empty: 'off',
        },
      ),
      field('lossScale', 'Loss scale', choice(LOSS_SCALES), 'none', 'The loss is multiplied, gradients are divided', {
        names: { none: 'None', static: 'Static', dynamic: 'Dynamic' },
      }),
      field('lossScaleFactor', 'Factor', number({ above: 0 }), 1024, 'lossScaleFactor', {
        when: ({ lossScale }) => lossScale === 'static',
      }),
      field('initialScale', 'First scale', number({ above: 0 }), 32768, 'Halved when a gradient is not finite', {
        when: ({ lossScale }) => lossScale === 'dynamic',
      }),
      field('dynamicGrowthSteps', 'Growth steps', integer({ least: 0 }), 2000, 'Doubled after so many finite steps', {
        when: ({ lossScale }) => lossScale === 'dynamic',
      }),
    ],
  },
  {
    title: 'Gradients that are not finite',
    summary: ({ nonFinite, lossScale }) => (lossScale === 'dynamic' ? 'dropped by the loss scale' : nonFinite),
    fields: [
      field('nonFinite', 'Do', choice(POLICIES), 'keras', 'Dynamic loss scaling always drops such steps', {
        names: { keras: 'Take them, as Keras does', skip: 'Drop the step', throw: 'Drop the step and end the run' },
        when: ({ lossScale }) => lossScale !== 'dynamic',
      }),
    ],
  },
  {
    title: 'Parameter groups',
    formula: () => 'rate of the group = multiplier · lr(t)',
    summary: (settings) => {
      const changed = (layer: 'hidden' | 'output'): boolean =>
        settings[`${layer}Frozen`] ||
        settings[`${layer}Rate`] !== 1 ||
        settings[`${layer}Momentum`] !== null ||
        settings[`${layer}Decay`] !== null;
      return ['hidden', 'output'].filter((layer) => changed(layer as 'hidden')).join(', ') || 'none';
    },
    fields: (['hidden', 'output'] as const).flatMap((layer) => {
      const exists = (_: RunSettings, { model }: TrainingSettings): boolean => layer === 'output' || model === 'mlp';
      const moves = (settings: RunSettings, training: TrainingSettings): boolean =>
        exists(settings, training) && !settings[`${layer}Frozen`];
      const own = { empty: 'the optimizer’s', when: moves };
      const share = optional(number({ least: 0, most: 1 }));
      const decay = optional(number({ least: 0 }));
      const instead = 'In place of the optimizer’s';
      return [
        field(`${layer}Frozen`, `Freeze the ${layer} layer`, flag, false, 'It stays as it is', { when: exists }),
        field(`${layer}Rate`, `Rate, ${layer} layer`, number({ least: 0 }), 1, 'Multiplier of the rate', {
          when: moves,
        }),
        field(`${layer}Momentum`, `Momentum, ${layer} layer`, share, null, instead, own),
        field(`${layer}Decay`, `Weight decay, ${layer} layer`, decay, null, instead, own),
      ];
    }),
  },
];
