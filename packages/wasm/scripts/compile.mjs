// Compiles the kernels. Used by `npm run kernels`, by the test that the kept module is what the source gives, and for mutants.
import { readdirSync, readFileSync } from 'node:fs';
import asc from 'assemblyscript/asc';

const folder = new URL('../assembly/', import.meta.url);

/** The sources of the kernels, by file name. */
export const sources = () =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name, readFileSync(new URL(name, folder), 'utf8').replaceAll('\r\n', '\n')]),
  );

// No bounds are checked and nothing is allocated: the memory is the host's, and so is every address. No relaxed SIMD and no fused
// multiply-add: they round differently.
const options = ['-O3', '--runtime', 'stub', '--importMemory', '--noExportMemory', '--noAssert', '--enable', 'simd'];

/** The bytes of the module that these sources give. */
export async function compile(files = sources()) {
  let binary;
  const problems = [];
  const { error } = await asc.main(['step.ts', '--outFile', 'kernels.wasm', ...options], {
    readFile: (name) => files[name] ?? null,
    writeFile: (name, contents) => void (name === 'kernels.wasm' && (binary = contents)),
    listFiles: () => [],
    reportDiagnostic: ({ message }) => void problems.push(message),
  });
  if (error) throw new Error([error.message, ...problems].join('\n'));
  return binary;
}

/** A load of the options, as it stands in the code: see `options` in `assembly/layout.ts`. */
const LOAD = '41ffffff3f280200';

/**
 * The module as the package has it: in hexadecimal, as gzip makes less of it than of base64 (bytes that come again look the same), with
 * "_" for each load of the options, where the host puts a constant.
 */
export function textOf(binary) {
  const text = Buffer.from(binary).toString('hex').replaceAll(LOAD, '_');
  // what is no whole pair of digits then, or holds the address still, is something else than a load
  if (text.includes('ffffff3f') || text.split('_').some((part) => part.length % 2 !== 0))
    throw new Error('not all loads were found');
  return text;
}

/** The text of `src/kernels.ts`. */
export const sourceOf = (
  binary,
) => `/** The module of \`assembly/\`, made by \`npm run kernels\`: see \`scripts/compile.mjs\`. */
export const kernels: string =
  '${textOf(binary)}';
`;
