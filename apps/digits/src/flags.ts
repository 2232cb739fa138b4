import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { oneLine, UsageError } from './errors.ts';
import { dashed, type Flag, FLAGS, negatable, type Options } from './options.ts';
import { SCHEDULE_HELP } from './schedule-names.ts';

/** Asks for help: its text goes to stdout, with exit code 0. */
export class HelpRequest extends Error {}

/**
 * Reads the command line.
 *
 * @throws UsageError for a flag that is none, or a value that does not fit: one line that says what came and what was expected
 * @throws HelpRequest for `--help`
 */
export function parseFlags(argv: readonly string[]): Options {
  const help: string[] = [];
  const program = command((text) => help.push(text));
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) throw new HelpRequest(help.join(''));
    throw new UsageError(restated(error));
  }
  if (program.args.length > 0) throw new UsageError(`unexpected argument '${program.args[0]}': expected flags only`);
  const values = program.opts<Record<string, unknown>>();
  const options = Object.fromEntries(FLAGS.map((flag) => [flag.key, valueOf(flag, values[flag.key])]));
  return checked(options as unknown as Options, (key) => program.getOptionValueSource(key) === 'cli');
}

/** What `--help` prints. */
export function helpText(): string {
  return command(() => {}).helpInformation();
}

function command(write: (text: string) => void): Command {
  const program = new Command('npm start --')
    .usage('[flags]')
    .description('Trains a network on 10,000 real handwritten digits with @sgd/core.')
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: write, outputError: () => {} })
    .configureHelp({ helpWidth: 120 })
    .allowExcessArguments(true)
    .addHelpText('after', `\n${SCHEDULE_HELP}`);
  for (const flag of FLAGS) addFlag(program, flag);
  return program.addHelpOption(new Option('--help', 'print this').helpGroup('Output:'));
}

/** Commander's messages in the words of this app: what came, and what was expected. */
function restated(error: CommanderError): string {
  const message = oneLine(error).replace(/^error: /, '');
  const [, flag, value, came, expected] =
    /^option '(\S+) (.*?)' argument (?:missing|'(.*)' is invalid\. (.*))$/.exec(message) ?? [];
  if (flag === undefined) return `${clipped(message)}: expected a flag that --help lists`;
  return came === undefined ? `${flag}: expected ${value} after it` : `${flag} ${clipped(came)}: ${expected}`;
}

function shown(value: Options[keyof Options]): string {
  return clipped(typeof value === 'string' ? value : JSON.stringify(value));
}

function clipped(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function addFlag(program: Command, flag: Flag): void {
  const { key, value, read, preset, group } = flag;
  const shape = preset === undefined ? `<${value}>` : `[${value}]`;
  const option = new Option(value ? `${dashed(key)} ${shape}` : dashed(key), description(flag)).helpGroup(`${group}:`);
  if (preset !== undefined) option.preset(JSON.stringify(preset));
  if (read) {
    option.argParser((text: string) => {
      try {
        return read(text);
      } catch (error) {
        throw new InvalidArgumentError(oneLine(error));
      }
    });
  }
  program.addOption(option);
  if (negatable(flag)) program.addOption(new Option(dashed(key).replace('--', '--no-')).hideHelp());
}

function description(flag: Flag): string {
  const value = flag.default;
  if (value === null || value === false) return flag.help;
  const off = negatable(flag) ? `; off: ${dashed(flag.key).replace('--', '--no-')}` : '';
  return `${flag.help} (default: ${value === true ? 'on' : shown(value)}${off})`;
}

/** Commander says `false` for `--no-…`, and `true` for a bare switch or what was never named but can be negated. */
function valueOf(flag: Flag, value: unknown): unknown {
  if (value === undefined) return flag.default;
  if (value === false && typeof flag.default !== 'boolean') return null;
  return value;
}

/** What no flag can see alone. */
function checked(options: Options, given: (key: string) => boolean): Options {
  const needs = (key: keyof Options, fits: boolean, what: string): void => {
    if (given(key) && options[key] !== null && !fits)
      throw new UsageError(`${dashed(key)} ${shown(options[key])}: expected ${what} beside it`);
  };
  const { backend, compare } = options;
  needs('backend', compare?.includes(backend) ?? true, `a --compare with it, or none,`);
  needs('scheduleOptions', options.schedule !== null, '--schedule');
  needs('warmupSteps', options.schedule === 'cosine', '--schedule cosine');
  needs('warmupTarget', options.schedule === 'cosine', '--schedule cosine');
  needs('emaMomentum', options.useEma, '--use-ema');
  needs('emaOverwriteFrequency', options.useEma, '--use-ema');
  needs('dynamicGrowthSteps', options.dynamicLossScale !== null, '--dynamic-loss-scale');
  needs('dynamicLossScale', options.lossScaleFactor === null, 'no --loss-scale-factor');
  return options;
}
