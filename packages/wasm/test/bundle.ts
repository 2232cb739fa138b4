import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** The package and core in one script that sets `wasm` and `SGD` on the global object `sgd`, as built from source. */
export async function bundle(): Promise<string> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const code = `export { wasm } from ${JSON.stringify(at('../src/index.ts'))}; export { SGD } from '@sgd/core';`;
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
  const { output } = await build.generate({ format: 'iife', name: 'sgd' });
  await build.close();
  return output[0].code;
}
