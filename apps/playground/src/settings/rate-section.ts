import { fieldOf, type Section } from './fields.ts';
import { choice, flag, list, number, optional } from './kinds.ts';
import { type RunSettings, SCHEDULES, type ScheduleName } from './model.ts';

const field = fieldOf<RunSettings>();
const schedule =
  (...names: readonly ScheduleName[]) =>
  (settings: RunSettings): boolean =>
    names.includes(settings.schedule);
const WHOLE = 'the whole training';

const RATES: Readonly<Record<ScheduleName, string>> = {
  constant: 'lr',
  CosineDecay: 'lr · ((1 − α) · ½ · (1 + cos(π · t / decay steps)) + α)',
  CosineDecayRestarts: 'lr · ((1 − α) · ½ · mⁱ · (1 + cos(π · t / period i)) + α)',
  ExponentialDecay: 'lr · decay rate ^ (t / decay steps)',
  InverseTimeDecay: 'lr / (1 + decay rate · t / decay steps)',
  PiecewiseConstantDecay: 'values[i] while boundaries[i−1] < t ≤ boundaries[i]',
  PolynomialDecay: '(lr − end) · (1 − t / decay steps) ^ power + end',
};

/** The learning rate, and all schedules with their parameters. */
export const RATE_SECTION: Section<RunSettings> = {
  title: 'Learning rate',
  formula: ({ schedule: name }) => `lr(t) = ${RATES[name]}`,
  summary: ({ learningRate, schedule: name }) => `${learningRate}, ${name === 'constant' ? 'constant' : name}`,
  fields: [
    field('learningRate', 'Learning rate', number({ least: 0 }), 0.2, 'Step size, or where the schedule starts', {
      when: ({ schedule: name, values }) => name !== 'PiecewiseConstantDecay' || values === null,
    }),
    field('schedule', 'Schedule', choice(SCHEDULES), 'CosineDecay', 'How the rate goes on; t counts batches', {
      names: {
        constant: 'Constant',
        CosineDecay: 'Cosine decay',
        CosineDecayRestarts: 'Cosine decay with restarts',
        ExponentialDecay: 'Exponential decay',
        InverseTimeDecay: 'Inverse time decay',
        PiecewiseConstantDecay: 'Piecewise constant',
        PolynomialDecay: 'Polynomial decay',
      },
    }),
    field('decaySteps', 'Decay steps', optional(number({ above: 0 })), null, 'Batches in which it decays', {
      empty: WHOLE,
      when: schedule('CosineDecay', 'ExponentialDecay', 'InverseTimeDecay', 'PolynomialDecay'),
    }),
    field('firstDecaySteps', 'First decay steps', optional(number({ above: 0 })), null, 'Batches of the first period', {
      empty: 'a third of the training',
      when: schedule('CosineDecayRestarts'),
    }),
    field('tMul', 'Longer by (tMul)', number({ above: 0 }), 2, 'Each period is so many times as long', {
      when: schedule('CosineDecayRestarts'),
    }),
    field('mMul', 'Lower by (mMul)', number({ least: 0 }), 1, 'Each period starts at this multiple', {
      when: schedule('CosineDecayRestarts'),
    }),
    field('alpha', 'End (α)', number({ least: 0 }), 0, 'Where it ends, as a fraction of the start', {
      when: schedule('CosineDecay', 'CosineDecayRestarts'),
    }),
    field(
      'warmupTarget',
      'Warm-up target',
      optional(number({ least: 0 })),
      null,
      'First a straight line from lr to this rate',
      {
        empty: 'no warm-up',
        when: schedule('CosineDecay'),
      },
    ),
    field('warmupSteps', 'Warm-up steps', optional(number({ least: 0 })), null, 'Batches of the warm-up', {
      empty: 'a tenth of the training',
      when: (settings) => schedule('CosineDecay')(settings) && settings.warmupTarget !== null,
    }),
    field('decayRate', 'Decay rate', optional(number({ least: 0 })), null, 'How strong one decay is', {
      empty: 'to a tenth',
      when: schedule('ExponentialDecay', 'InverseTimeDecay'),
    }),
    field('staircase', 'Staircase', flag, false, 'Change only at multiples of the decay steps', {
      when: schedule('ExponentialDecay', 'InverseTimeDecay'),
    }),
    field('boundaries', 'Boundaries', optional(list(number({ least: 0 }))), null, 'Batches after which it changes', {
      empty: 'half, three quarters',
      when: schedule('PiecewiseConstantDecay'),
    }),
    field('values', 'Values', optional(list(number({ least: 0 }))), null, 'Rates, one more than boundaries', {
      empty: 'lr, a tenth, a hundredth',
      when: schedule('PiecewiseConstantDecay'),
    }),
    field('endLearningRate', 'End rate', optional(number({ least: 0 })), null, 'The rate from then on', {
      empty: 'a hundredth of lr',
      when: schedule('PolynomialDecay'),
    }),
    field('power', 'Power', number(), 1, 'Degree of the polynomial; 1 is a line', {
      when: schedule('PolynomialDecay'),
    }),
    field('cycle', 'Cycle', flag, false, 'Start again, at a longer period, after each end', {
      when: schedule('PolynomialDecay'),
    }),
  ],
};
