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
const LOAD = '\x41\xff\xff\xff\x3f\x28\x02\x00';

/** A byte as one character of 91, or as two: most are of the first kind, once all are moved on by 5. */
function written(byte) {
  const moved = (byte.charCodeAt(0) + 5) & 255;
  return ['', ' ', '!'][Math.floor(moved / 91)] + String.fromCharCode(35 + (moved % 91));
}

/**
 * The module as the package has it: characters that can be printed, of which gzip makes 200 bytes less than of hexadecimal, and "~" for
 * each load of the options, where the host puts a constant. `compile` in `src/engine.ts` reads it.
 */
export function textOf(binary) {
  const parts = Buffer.from(binary).toString('latin1').split(LOAD);
  // what has the address still is something else than a load
  if (parts.some((part) => part.includes(LOAD.slice(1, 5)))) throw new Error('not all loads were found');
  return parts.map((part) => Array.from(part, written).join('')).join('~');
}

/** The text of `src/kernels.ts`. */
export const sourceOf = (
  binary,
) => `/** The module of \`assembly/\`, made by \`npm run kernels\`: see \`scripts/compile.mjs\`. */
export const kernels: string =
  ${JSON.stringify(textOf(binary))};
`;
