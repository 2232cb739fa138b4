import { SgdError } from '@sgd/core';
import { sameWeights } from './compare.ts';
import { gather, splitDigits } from './batches.ts';
import { readDigits } from './data.ts';
import { startEngine } from './engine.ts';
import { oneLine, UsageError } from './errors.ts';
import { HelpRequest, parseFlags } from './flags.ts';
import { percent } from './format.ts';
import { listenForInterrupt } from './interrupt.ts';
import { dashed, FLAGS, type Options } from './options.ts';
import { createReporter, type Reporter, silent, type Target } from './progress.ts';
import { comparisonText, reportPath, writeReport } from './report.ts';
import { finish, type RunResult, runResult } from './result.ts';
import { resultTable } from './table.ts';
import { type History, type Listener, stepCount, train } from './train.ts';
import { testSet, type Trainer } from './trainer.ts';
import { type Choice, trainerOf } from './trainers.ts';

/** Where a run writes. */
export interface Streams {
  readonly stdout: Target;
  readonly stderr: Target;
}

/**
 * Runs the command.
 *
 * @returns the exit code: 0, 2 for flags or values that are wrong (one line on stderr), 130 after Ctrl-C, 1 for anything else
 */
export async function run(argv: readonly string[], { stdout, stderr }: Streams): Promise<number> {
  try {
    const options = parseFlags(argv);
    const told = options.json ? stderr : stdout;
    const { result, histories } = await digits(options, options.quiet ? null : told, stderr);
    if (options.json) stdout.write(`${JSON.stringify(result)}\n`);
    else if (options.quiet) stdout.write(`${summary(result)}\n`);
    // last, so that what the training gave is there also where the report can't be
    if (result.report !== null) {
      await writeReport(result.report, result, histories, ['npm start --', ...argv.map(quoted)].join(' '));
      if (!options.quiet) told.write(`report: ${result.report}\n`);
    }
    return result.interrupted ? 130 : 0;
  } catch (error) {
    if (error instanceof HelpRequest) {
      stdout.write(error.message);
      return 0;
    }
    stderr.write(`digits: ${isUsage(error) ? inFlags(oneLine(error)) : oneLine(error)}\n`);
    return isUsage(error) ? 2 : 1;
  }
}

/** Core names options in camelCase; here they are flags. Short words that may be prose stay. */
function inFlags(message: string): string {
  const keys = FLAGS.map(({ key }) => key).filter((key) => /[A-Z]|^clip/.test(key));
  return message.replace(/(?<![\w.-])\w+(?![\w-])/g, (word) =>
    keys.some((key) => key === word) ? dashed(word) : word,
  );
}

function isUsage(error: unknown): boolean {
  const codes = ['SGD_INVALID_OPTION', 'SGD_INVALID_CONFIG', 'SGD_UNSUPPORTED', 'SGD_CONTRACT', 'SGD_UNKNOWN_VARIABLE'];
  return error instanceof UsageError || (error instanceof SgdError && codes.includes(error.code));
}

/** What a training gave. */
interface Trained {
  readonly result: RunResult;
  readonly histories: readonly History[];
}

/** One training. Everything that flags can get wrong is looked at before the digits are read. */
async function digits(options: Options, told: Target | null, stderr: Target): Promise<Trained> {
  const choices: Choice[] = [];
  // one after the other: to start an engine of TensorFlow.js is to switch to it for a moment
  for (const label of options.compare ?? [options.backend]) choices.push(await trainerOf(label, options));
  const labels = choices.map(({ label }) => label);
  const report = options.report === null ? null : await reportPath(options.report);
  await startEngine();
  let reporter: Reporter = silent;
  const warn = (message: string): void => (told ? reporter.note(message) : void stderr.write(`${message}\n`));
  const trainers: Trainer[] = [];
  try {
    for (const { create } of choices) trainers.push(await create(stepCount(options), warn));
    if (told) reporter = createReporter(told, labels);
    for (const { label, reason } of choices) if (reason !== null) reporter.note(`backend ${label}: ${reason}`);
    const trained = await trainAll(options, trainers, reporter, report);
    if (told) told.write(conclusion(trained.result));
    return trained;
  } finally {
    reporter.stop();
    for (const trainer of trainers) await trainer.dispose();
  }
}

async function trainAll(
  options: Options,
  trainers: readonly Trainer[],
  reporter: Reporter,
  report: string | null,
): Promise<Trained> {
  const interrupt = listenForInterrupt(
    () => reporter.note('stopping after this step; Ctrl-C again to stop at once'),
    () => reporter.stop(),
  );
  try {
    const all = await readDigits();
    const split = splitDigits(options.seed, options.limit);
    const test = testSet(gather(all, split.test));
    const comparison = watchDifference(trainers);
    const listener: Listener = {
      step: (progress) => reporter.step(progress),
      epoch: (progress, epochResults) => reporter.epoch(progress, epochResults),
      compared: comparison.look,
    };
    const outcome = await train(options, trainers, all, split.training, test, listener, interrupt.requested);
    reporter.stop();
    const results = [];
    for (const [i, trainer] of trainers.entries()) {
      results.push(await finish(trainer, outcome.histories[i] as History, () => trainer.accuracy(test)));
    }
    test.images.dispose();
    const result = runResult(options, trainers, results, outcome, comparison.firstDifferentStep(), report);
    return { result, histories: outcome.histories };
  } finally {
    interrupt.release();
  }
}

/** Notes the first step after which the weights of two trainers differ. */
function watchDifference([first, second]: readonly Trainer[]): {
  look: (step: number) => void;
  firstDifferentStep: () => number | null;
} {
  let found: number | null = null;
  return {
    look(step) {
      if (first && second && found === null && !sameWeights(first.weights, second.weights)) found = step;
    },
    firstDifferentStep: () => found,
  };
}

function conclusion(result: RunResult): string {
  const lines = [resultTable(result)];
  if (result.compare) lines.push(comparisonText(result));
  if (result.interrupted) lines.push('interrupted: these are the figures that the training had reached');
  return `${lines.join('\n')}\n`;
}

function summary(result: RunResult): string {
  const accuracy = `${percent(result.accuracy)} of the test digits recognised`;
  return result.compare ? `${accuracy}; ${comparisonText(result)}` : accuracy;
}

/** As a shell takes it. */
function quoted(argument: string): string {
  return /^[\w./:,=@+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
