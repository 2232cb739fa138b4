// Changes the kernels in hundreds of small ways, and tells which changes the tests do not notice. `--sample N` takes N of them, `--file F`
// those of a file.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { rolldown } from 'rolldown';
import { compile, textOf } from './compile.mjs';
import { mutants } from './mutants.mjs';

const SECONDS = 60;

/** The check in one script, with a mark in the place of the module. */
async function script() {
  const at = (path) => fileURLToPath(new URL(path, import.meta.url));
  const goldens = new URL('../../conformance/goldens/', import.meta.url);
  const texts = readdirSync(goldens).map((name) => [name, readFileSync(new URL(name, goldens), 'utf8')]);
  const modules = {
    'entry.js': `import { check } from './check.ts';
      import { parentPort } from 'node:worker_threads';
      check().then(() => parentPort.postMessage(null), (error) => parentPort.postMessage(String(error)));`,
    'src/kernels.ts': 'export const kernels = globalThis.process.env.KERNELS;',
    'src/goldens/texts.ts': `export const texts = ${JSON.stringify(Object.fromEntries(texts))};`,
  };
  const build = await rolldown({
    input: 'entry',
    cwd: at('..'),
    platform: 'node',
    resolve: { conditionNames: ['@sgd/source', 'import'] },
    plugins: [
      {
        name: 'modules',
        resolveId: (id) => (id === 'entry' ? at('../test/entry.js') : undefined),
        load: (id) => modules[Object.keys(modules).find((name) => id.endsWith(`/${name}`))],
      },
    ],
  });
  const { output } = await build.generate({ format: 'cjs' });
  await build.close();
  return output[0].code;
}

/** What a module is found out by: null when it is not. */
function found(code, kernels) {
  return new Promise((resolve) => {
    const worker = new Worker(code, { eval: true, env: { KERNELS: kernels }, stdout: true, stderr: true });
    const end = (what) => {
      clearTimeout(timer);
      void worker.terminate();
      resolve(what);
    };
    const timer = setTimeout(() => end('took too long'), SECONDS * 1000);
    worker.once('message', end);
    worker.once('error', (error) => end(String(error)));
  });
}

/** Runs a number of mutants; tells of each. Gives what was not noticed. */
export async function mutate({ sample = Infinity, files, tell = () => {} } = {}) {
  const code = await script();
  const original = textOf(await compile());
  const unchanged = await found(code, original);
  if (unchanged !== null) throw new Error(`the kernels as they are fail: ${unchanged}`);
  const all = mutants().filter(({ file }) => files === undefined || files.includes(file));
  const stride = Math.max(1, all.length / sample);
  const counts = { noticed: 0, survived: [], invalid: 0, same: 0 };
  for (let k = 0; k < Math.min(sample, all.length); k++) {
    const mutant = all[Math.floor(k * stride)];
    let outcome;
    try {
      const kernels = textOf(await compile(mutant.files));
      outcome = kernels === original ? 'same' : await found(code, kernels);
      if (outcome === 'same') counts.same++; // the compiler makes the same of it
      else if (outcome === null) counts.survived.push(mutant);
      else counts.noticed++;
    } catch {
      outcome = 'invalid';
      counts.invalid++;
    }
    tell(mutant, outcome, k);
  }
  return counts;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { sample: { type: 'string' }, file: { type: 'string', multiple: true } } });
  const { noticed, survived, invalid, same } = await mutate({
    sample: values.sample === undefined ? Infinity : Number(values.sample),
    files: values.file,
    tell: ({ file, line, from, to }, outcome, k) =>
      console.log(
        `${k} ${outcome === null ? 'SURVIVED' : outcome.split('\n', 1)[0].slice(0, 60)} ${file}:${line} ${from} -> ${to}`,
      ),
  });
  const score = (100 * noticed) / (noticed + survived.length);
  console.log(
    `${noticed} noticed, ${survived.length} survived, ${score.toFixed(2)} %; ${invalid} do not compile, ${same} make no difference to the module`,
  );
  process.exitCode = score >= 90 ? 0 : 1;
}
