import type { Feature } from '@sgd/core';
import type { SerializedObject, TrajectoryCase } from '../goldens/format.ts';
import type { Mismatch } from './compare.ts';
import { needsOf } from './needs.ts';

const slots: readonly string[] = ['accumulators', 'momentums', 'variables', 'averages'];

/** What becomes of a gradient before the rule, in the order of a step. */
const onGradients: readonly (readonly [Feature, string])[] = [
  ['accumulation', 'the mean of micro-batches, g = (g + A) / accumulationSteps'],
  ['clip-value', 'the clip by value, g = min(max(g, -c), c)'],
  ['clip-norm', 'the clip by norm, g = (g * c) / max(norm(g), c)'],
  ['clip-global-norm', 'the clip by the global norm, of all given gradients together'],
];

/**
 * Where to look when numbers of a case are wrong: which slots of the first step that differs are right, and which are not, tells how far
 * the step came. `undefined` where they do not tell.
 */
export function hintOf(test: TrajectoryCase, found: readonly Mismatch[]): string | undefined {
  const step = Math.min(...found.map((mismatch) => mismatch.step ?? -1));
  const first = found.filter((mismatch) => mismatch.step === step);
  const wrong = new Set(first.map(({ field }) => field ?? ''));
  if (step < 0 || ![...wrong].every((field) => slots.includes(field))) return undefined;
  const overwriting = test.variables.filter((v) => v.overwriteWithGradient).map(({ path }) => path);
  if (first.every(({ variable }) => variable !== undefined && overwriting.includes(variable)))
    return 'only variables that their gradients overwrite are wrong: look at x = g and, with accumulation, A = max(g, A), x = A, A = 0';
  return hintFrom(wrong, stages(test));
}

type Stages = ReturnType<typeof stages>;

function hintFrom(wrong: ReadonlySet<string>, { gradient, momentum, rule, change, average }: Stages): string {
  if (wrong.has('accumulators'))
    return look('an accumulator is wrong', ['A = g + A where the phase is "accumulate", else all A = 0']);
  if (wrong.has('momentums')) return look('a momentum is wrong', [...gradient, momentum]);
  if (!wrong.has('variables')) return look('only averages are wrong', [average]);
  if (rule.momentum) return look('the momentum is right and the variable is not', change);
  return look('a variable is wrong', [...gradient, ...change]);
}

const look = (what: string, at: readonly string[]): string => `${what}: look at ${at.join('; or at ')}`;

/** The formulas that a case goes through. */
function stages(test: TrajectoryCase) {
  const inner = test.optimizer.config['inner_optimizer'] as SerializedObject | undefined;
  const { config } = inner ?? test.optimizer;
  const needs = needsOf(test);
  const rule = { momentum: Boolean(config['momentum']), nesterov: Boolean(config['nesterov']) };
  const unscale = inner ? ['unscaling, g = g / lossScale'] : [];
  const average = 'the average, a = averageMomentum * a + (1 - averageMomentum) * x';
  const change = [
    ...(needs.includes('weight-decay') ? ['weight decay, x = x - (x * weightDecay) * learningRate'] : []),
    ruleOf(rule),
    ...(needs.includes('average') && config['ema_overwrite_frequency'] ? ['averageOverwrite, x = a'] : []),
    ...(needs.includes('constraint') ? ['the constraint'] : []),
  ];
  return {
    gradient: [...unscale, ...onGradients.flatMap(([feature, text]) => (needs.includes(feature) ? [text] : []))],
    momentum: 'the momentum, m = m * momentum - g * learningRate',
    rule,
    change,
    average,
  };
}

function ruleOf({ momentum, nesterov }: { momentum: boolean; nesterov: boolean }): string {
  if (momentum && nesterov) return 'the rule with nesterov, x = x + (m * momentum - g * learningRate), with the new m';
  return momentum ? 'the rule, x = x + m' : 'the rule, x = x - g * learningRate';
}
