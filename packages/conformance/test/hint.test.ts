import { describe, expect, it } from 'vitest';
import { runSuite } from '../src/index.ts';
import { mutants, mutate } from './mutants.ts';

describe('a failure of the room "values" says where to look', () => {
  it.each([
    ['ignores nesterov', 'option-005-nesterov', /momentum is right and the variable is not: look at the rule with nes/],
    [
      'nesterov always',
      'option-004-momentum',
      /^the momentum is right and the variable is not: look at the rule, x = x \+ m$/,
    ],
    [
      'ignores weight decay',
      'option-010-weight-decay-momentum',
      /look at weight decay, x = x - .*; or at the rule, x = x \+ m$/,
    ],
    [
      'ignores the loss scale',
      'lossscale-001-grow',
      /^a momentum is wrong: look at unscaling, g = g \/ lossScale; or at the mom/,
    ],
    [
      'sums micro-batches instead of taking their mean',
      'option-031-accumulate3-momentum',
      /^a momentum .*the mean of micro-batches/,
    ],
    ['never overwrites by the average', 'option-023-ema-freq1', /averageOverwrite, x = a/],
    ['average seeded with zeros', 'option-021-ema', /^only averages are wrong: look at the average, a = /],
    [
      'clips each gradient alone under a global norm',
      'option-018-global-clipnorm',
      /^a (?:variable|momentum) is wrong: look at the clip by the global norm/,
    ],
    ['resets only the accumulators of given variables', 'edge-002-none-accumulate-update', /^an accumulator is wrong/],
  ])('%s, %s', async (name, id, hint) => {
    const { hooks } = mutants.find((mutant) => mutant.name === name)!;
    const { failures } = await runSuite({ backend: mutate(hooks), only: [`values/${id}`] });
    const [first, ...rest] = failures.flatMap(({ details }) => details);
    expect(first?.hint).toMatch(hint);
    expect(first?.message).toBe(`${first?.message.split('\n')[0]}\n${first?.hint}`);
    expect(rest.map((detail) => detail.hint).filter((text) => text !== undefined)).toEqual([]);
  });

  it('and is silent where the numbers do not tell', async () => {
    const { hooks } = mutants.find((mutant) => mutant.name === 'nesterov always')!;
    const { failures } = await runSuite({ backend: mutate(hooks), only: ['contract'] });
    expect(failures.flatMap(({ details }) => details.filter(({ hint }) => hint))).toEqual([]);
  });
});
