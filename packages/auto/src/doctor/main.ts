import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Gradients } from '../backends.ts';
import { selectBackend } from '../index.ts';
import type { SelectionReport } from '../report.ts';
import { reportText, SelectionError } from '../report.ts';
import { Installed } from './installed.ts';

const HELP = `npx @sgd/auto [options]

Which engines of @sgd/core are installed in this folder, which of them run, and which is the fastest.

  --gradients KIND   only engines for gradients of host, tfjs, onnxruntime or gpujs (default: all four)
  --elements N       time steps over N elements (default: 100000)
  --no-timing        do not time; go by the figures that the package brings
  --json             one object: { node, platform, processor, packages, reports }
  --help             this text

Exit codes: 0; 1 when no engine runs for gradients in typed arrays, or for those that --gradients names; 2 for wrong flags.
`;

const KINDS: readonly Gradients[] = ['host', 'tfjs', 'onnxruntime', 'gpujs'];
const TITLES: Readonly<Record<Gradients, string>> = {
  host: 'Gradients in typed arrays',
  tfjs: 'Gradients in tensors of TensorFlow.js',
  onnxruntime: 'Gradients in tensors of ONNX Runtime',
  gpujs: 'Gradients in textures or arrays of gpu.js',
};
const PACKAGES = ['@sgd/core', '@sgd/auto', '@sgd/cpu', '@sgd/wasm', '@sgd/tfjs', '@sgd/onnxruntime', '@sgd/gpujs'];
const ENGINES = ['@tensorflow/tfjs-core', 'onnxruntime-node', 'onnxruntime-web', 'gpu.js'];

/** Where the doctor writes. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
}

interface Flags {
  readonly kinds: readonly Gradients[];
  readonly elements: number;
  readonly timing: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

/** Reads the flags; throws a line for whoever typed them. */
function flagsOf(argv: readonly string[]): Flags {
  const { values } = parseArgs({
    args: [...argv],
    allowNegative: true,
    options: {
      gradients: { type: 'string' },
      elements: { type: 'string', default: '100000' },
      timing: { type: 'boolean', default: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const kinds = values.gradients === undefined ? KINDS : KINDS.filter((kind) => kind === values.gradients);
  if (kinds.length === 0) throw new Error(`--gradients: expected one of ${KINDS.join(', ')}, got ${values.gradients}`);
  const elements = Number(values.elements);
  if (!Number.isSafeInteger(elements) || elements < 1)
    throw new Error(`--elements: expected a whole number from 1 on, got ${values.elements}`);
  return { kinds, elements, timing: values.timing, json: values.json, help: values.help };
}

/** Runs the command; gives the exit code. */
export async function main(argv: readonly string[], { stdout, stderr }: Streams): Promise<number> {
  let flags: Flags;
  try {
    flags = flagsOf(argv);
  } catch (error) {
    stderr.write(`@sgd/auto: ${(error as Error).message.split('\n', 1)[0]}; see --help\n`);
    return 2;
  }
  if (flags.help) {
    stdout.write(HELP);
    return 0;
  }
  const installed = new Installed(process.cwd());
  const packages = versions(installed);
  const about = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim(),
  };
  if (!flags.json)
    stdout.write(
      `Node ${about.node}, ${about.platform}, ${about.processor ?? 'unknown processor'}\n${listed(packages)}\n`,
    );
  const reports: SelectionReport[] = [];
  for (const kind of flags.kinds) {
    const report = await examine(kind, installed, flags, stderr);
    reports.push(report);
    if (!flags.json) stdout.write(`\n${TITLES[kind]}\n${indented(reportText(report))}\n`);
  }
  if (flags.json) stdout.write(`${JSON.stringify({ ...about, packages, reports })}\n`);
  return reports[0]!.chosen === null ? 1 : 0;
}

/** What is found for gradients of a kind. */
async function examine(
  gradients: Gradients,
  installed: Installed,
  { elements, timing }: Flags,
  stderr: Streams['stderr'],
): Promise<SelectionReport> {
  if (gradients === 'tfjs') await installed.startTfjs();
  const tell = (what: string): void => void (stderr.isTTY && stderr.write(`\r\x1b[K${what}`));
  try {
    const workload = { shapes: [[elements]] };
    const options = { gradients, workload, benchmark: timing, environment: installed.environment(), onProgress: tell };
    const { backend, report } = await selectBackend(options);
    await (backend as { destroy?: () => Promise<void> }).destroy?.();
    return report;
  } catch (error) {
    if (error instanceof SelectionError) return error.report;
    throw error;
  } finally {
    tell('');
  }
}

const versions = (installed: Installed): Record<string, string | null> =>
  Object.fromEntries([...PACKAGES, ...ENGINES].map((name) => [name, installed.version(name) ?? null]));

/** What is installed, and what is not. */
function listed(packages: Readonly<Record<string, string | null>>): string {
  const all = Object.entries(packages);
  const there = all.filter(([, version]) => version !== null).map(([name, version]) => `${name} ${version}`);
  const missing = all.filter(([, version]) => version === null).map(([name]) => name);
  return [
    `installed: ${there.join(', ')}`,
    ...(missing.length > 0 ? [`not installed: ${missing.join(', ')}`] : []),
  ].join('\n');
}

const indented = (text: string): string => text.replace(/^/gm, '  ');
