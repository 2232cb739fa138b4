import { parseArgs } from 'node:util';
import type { GoldenFiles } from '../goldens/format.ts';
import { readGoldens } from '../node.ts';
import { runSuite } from '../report.ts';
import { conclusion, Progress } from './print.ts';
import { loadBackend, oneLine, UsageError } from './resolve.ts';

const help = `usage: sgd-conformance --backend NAME[:VARIANT]|<module> [--goldens DIR] [--only ID]... [--json]

Runs the conformance suite of @sgd/core on a backend.

  --backend NAME[:VARIANT]  @sgd/NAME/conformance, any package, or a path. Its default export is the backend,
                            or a function of the variant that gives one
  --goldens DIR             golden files to use in place of those of this package; checked against DIR/manifest.json
  --only ID                 only this test (values/option-004-momentum) or room (values); may be given more than once
  --json                    print one JSON object, and nothing else
  --help                    this text

exit status: 0 all passed, 1 something failed, 2 wrong usage
`;

interface Flags {
  readonly backend: string;
  readonly goldens: string | undefined;
  readonly only: string[] | undefined;
  readonly json: boolean;
}

function parse(args: readonly string[]): Flags | 'help' {
  let values: { backend?: string; goldens?: string; only?: string[]; json?: boolean; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        backend: { type: 'string' },
        goldens: { type: 'string' },
        only: { type: 'string', multiple: true },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError(oneLine(error).replace(/\. .*$/, ''));
  }
  if (values.help) return 'help';
  if (!values.backend) throw new UsageError('--backend NAME[:VARIANT]|<module> is missing');
  return { backend: values.backend, goldens: values.goldens, only: values.only, json: values.json ?? false };
}

function goldensOf(directory: string | undefined): GoldenFiles | undefined {
  if (directory === undefined) return undefined;
  try {
    const files = readGoldens(directory);
    if (!Object.hasOwn(files, 'manifest.json')) throw new Error('manifest.json: not there');
    return files;
  } catch (error) {
    throw new UsageError(`--goldens ${directory}: ${oneLine(error)}`);
  }
}

/**
 * The command line.
 *
 * @returns the exit status
 */
export async function main(
  args: readonly string[],
  out: NodeJS.WritableStream,
  err: NodeJS.WritableStream,
): Promise<number> {
  try {
    const flags = parse(args);
    if (flags === 'help') {
      out.write(help);
      return 0;
    }
    return await run(flags, out);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    err.write(`sgd-conformance: ${error.message} (see --help)\n`);
    return 2;
  }
}

async function run(
  { backend: name, goldens: directory, only, json }: Flags,
  out: NodeJS.WritableStream,
): Promise<number> {
  const goldens = goldensOf(directory);
  const backend = await loadBackend(name, process.cwd());
  const progress = json ? undefined : new Progress(out, backend);
  const report = await runSuite({
    backend,
    goldens,
    only,
    onResult: (result, done, total) => progress?.test(result, done, total),
  }).catch((error: unknown) => {
    throw error instanceof TypeError && only ? new UsageError(`--only: ${error.message}`) : error;
  });
  out.write(json ? `${JSON.stringify(report)}\n` : `${conclusion(report)}\n`);
  return report.failed > 0 ? 1 : 0;
}
