import { fieldOf, type Section } from './fields.ts';
import { choice, integer } from './kinds.ts';
import { MODELS, type TrainingSettings } from './model.ts';

const field = fieldOf<TrainingSettings>();

/** What both runs share. */
export const TRAINING_SECTIONS: readonly Section<TrainingSettings>[] = [
  {
    title: 'Model and data',
    summary: ({ model, epochs, batch }) => `${model}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'} by ${batch}`,
    fields: [
      field('model', 'Model', choice(MODELS), 'mlp', 'What learns the digits', {
        names: { mlp: '784-128-10 with relu', softmax: '784-10' },
      }),
      field('epochs', 'Epochs', integer({ least: 1, most: 1000 }), 3, 'Passes over the training digits'),
      field('batch', 'Batch', integer({ least: 1, most: 8000 }), 64, 'Digits in a step'),
      field('limit', 'Training digits', integer({ least: 1, most: 8000 }), 8000, 'The test takes 2,000 others'),
      field('seed', 'Seed', integer({ least: 0, most: 0xffff_ffff }), 1, 'Fixes the first weights and all batches'),
      field('testEvery', 'Test every', integer({ least: 1 }), 25, 'Steps between two looks at the test digits'),
    ],
  },
];
