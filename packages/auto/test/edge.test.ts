import { fileURLToPath } from 'node:url';
import { EdgeVM } from '@edge-runtime/vm';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';
import type { SelectionReport } from '../src/index.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function bundle(code: string): Promise<string> {
  const build = await rolldown({
    input: 'entry',
    cwd: at('..'),
    resolve: { conditionNames: ['@sgd/source'] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? at('entry.js') : undefined),
        load: (id) => (id === at('entry.js') ? code : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format: 'iife', name: 'all', codeSplitting: false });
  await build.close();
  return output[0].code;
}

it('chooses in a runtime without Node and without a DOM', async () => {
  const code = await bundle(`
import { cpuCandidate, selectFrom, wasmCandidate } from ${JSON.stringify(at('../src/index.ts'))};
export const report = async () => JSON.stringify((await selectFrom([wasmCandidate, cpuCandidate])).report);`);
  const vm = new EdgeVM();
  expect(vm.evaluate('[typeof process, typeof document, typeof EdgeRuntime].join()')).toBe(
    'undefined,undefined,string',
  );
  const report = JSON.parse(await (vm.evaluate(`${code};all.report()`) as Promise<string>)) as SelectionReport;
  expect(report).toMatchObject({ runtime: 'edge', chosen: 'wasm' });
  expect(report.candidates.map(({ status }) => status)).toEqual(['chosen', 'usable']);
});
