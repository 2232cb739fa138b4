import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** The package, core and gpu.js in one script that sets `sgd`, as built from source. */
export async function bundle(minify = false): Promise<string> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const code = `export { gpujs } from ${JSON.stringify(at('../src/index.ts'))}; export { SGD } from '@sgd/core'; export { GPU } from 'gpu.js';`;
  const build = await rolldown({
    input: 'entry',
    cwd: at('..'),
    platform: 'browser',
    resolve: { conditionNames: ['@sgd/source'] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? at('entry.js') : undefined),
        load: (id) => (id === at('entry.js') ? code : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format: 'iife', name: 'sgd', minify });
  await build.close();
  return output[0].code;
}
