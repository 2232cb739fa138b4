import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

interface Options {
  readonly minify?: boolean;
  /** Modules that are left out, and the global variables in which they are expected. */
  readonly globals?: Readonly<Record<string, string>>;
}

/**
 * A package and core in one script that sets `sgd`, as built from source.
 *
 * @param folder - of the package
 * @param name - what is taken of it, beside core's `SGD`
 */
export async function bundle(
  folder: string,
  name: string,
  { minify = false, globals = {} }: Options = {},
): Promise<string> {
  const at = (path: string): string => fileURLToPath(new URL(`../../packages/${folder}/${path}`, import.meta.url));
  const code = `export { ${name} } from ${JSON.stringify(at('src/index.ts'))}; export { SGD } from '@sgd/core';`;
  const build = await rolldown({
    input: 'entry',
    cwd: at('.'),
    platform: 'browser',
    external: Object.keys(globals),
    resolve: { conditionNames: ['@sgd/source'] },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? at('entry.js') : undefined),
        load: (id) => (id === at('entry.js') ? code : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format: 'iife', name: 'sgd', globals: { ...globals }, minify });
  await build.close();
  return output[0].code;
}
