import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

interface Options {
  readonly minify?: boolean;
  /** Left out, gpu.js is expected in the variable `gpujs`. */
  readonly withEngine?: boolean;
}

/** The package and core in one script that sets `sgd`, as built from source. */
export async function bundle({ minify = false, withEngine = false }: Options = {}): Promise<string> {
  const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const code = `export { gpujs } from ${JSON.stringify(at('../src/index.ts'))}; export { SGD } from '@sgd/core'`;
  const build = await rolldown({
    input: 'entry',
    cwd: at('..'),
    platform: 'browser',
    external: withEngine ? [] : ['gpu.js'],
    resolve: { conditionNames: ['@sgd/source'] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? at('entry.js') : undefined),
        load: (id) => (id === at('entry.js') ? code : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format: 'iife', name: 'sgd', globals: { 'gpu.js': 'gpujs' }, minify });
  await build.close();
  return output[0].code;
}
