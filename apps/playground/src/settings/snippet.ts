import { weightShapes } from '@sgd/digits';
import { engineCode } from './engine-code.ts';
import { call, literal, Name } from './literal.ts';
import { type RunSettings, stepCount, type TrainingSettings } from './model.ts';
import { type OptimizerPlan, planOf } from './plan.ts';

/** A program to copy. */
export interface Snippet {
  readonly text: string;
  /** What is to be installed for it. */
  readonly packages: readonly string[];
}

/**
 * A program of its own with the chosen optimizer on the chosen backend, for variables of the chosen model. Its gradients are a stand-in.
 * It is JavaScript, and TypeScript without an error.
 *
 * @throws Error for a backend that it does not know
 */
export function snippetOf(settings: RunSettings, training: TrainingSettings): Snippet {
  const { packages, imports, setUp, backend, asynchronous } = engineCode(settings.backend);
  const plan = planOf(settings, training);
  const wait = asynchronous ? 'await ' : '';
  const lines = [
    `import { ${classesOf(plan).join(', ')} } from '@sgd/core';`,
    ...imports,
    '',
    ...(setUp === undefined ? [] : [setUp]),
    `const backend = ${backend};`,
    ...optimizer(plan),
    '',
    ...variables(training),
    `${wait}optimizer.build(variables);`,
    '',
    ...loop(plan, stepCount(training), wait),
    ...(plan.options.useEma ? [`${wait}optimizer.finalizeVariableValues();`] : []),
    `console.log(optimizer.iterations, 'updates');`,
  ];
  return { text: `${lines.join('\n')}\n`, packages: ['@sgd/core', ...packages] };
}

function classesOf({ schedule, lossScale }: OptimizerPlan): string[] {
  return [...(schedule ? [schedule.className] : []), ...(lossScale ? ['LossScaleOptimizer'] : []), 'SGD'].sort();
}

function optimizer({ schedule, options, extras, excluded, lossScale }: OptimizerPlan): string[] {
  const name = lossScale ? 'sgd' : 'optimizer';
  const all = schedule ? { learningRate: new Name('learningRate'), ...options } : options;
  const args = [all, new Name('backend'), ...(Object.keys(extras).length > 0 ? [extras] : [])];
  const declared = (variable: string, callee: string, values: readonly unknown[]): string =>
    `const ${variable} = ${call(`new ${callee}`, values, `const ${variable} = ;`.length)};`;
  return [
    ...(schedule ? [declared('learningRate', schedule.className, [schedule.options])] : []),
    declared(name, 'SGD', args),
    ...(excluded.length > 0 ? [`${name}.excludeFromWeightDecay({ names: ${literal(excluded)} });`] : []),
    ...(lossScale ? [declared('optimizer', 'LossScaleOptimizer', [new Name(name), lossScale])] : []),
  ];
}

function variables({ model }: TrainingSettings): string[] {
  return [
    'const shapes = {',
    ...Object.entries(weightShapes(model)).map(([path, shape]) => `  '${path}': [${shape.join(', ')}],`),
    '};',
    'const variables = Object.fromEntries(',
    '  Object.entries(shapes).map(([path, shape]) => {',
    '    const data = new Float32Array(shape.reduce((size, n) => size * n, 1));',
    '    return [path, backend.variable({ data, shape })];',
    '  }),',
    ');',
  ];
}

function loop({ lossScale, options }: OptimizerPlan, steps: number, wait: string): string[] {
  const scales = lossScale !== null || options.lossScaleFactor !== undefined;
  return [
    `for (let step = 0; step < ${steps}; step++) {`,
    ...(scales ? ['  const scale = optimizer.scaleLoss(1);'] : []),
    '  // yours come here; these are of half the squared distance of all weights to 1',
    '  const gradients = [];',
    '  for (const [path, shape] of Object.entries(shapes)) {',
    '    const weights = await optimizer.read(path);',
    `    const data = Float32Array.from(weights, (w) => ${scales ? '(w - 1) * scale' : 'w - 1'});`,
    '    gradients.push(backend.gradient({ data, shape }));',
    '  }',
    `  ${wait}optimizer.apply(gradients);`,
    '  for (const gradient of gradients) backend.free(gradient);',
    '}',
  ];
}
