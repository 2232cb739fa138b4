// Writes the module that the source of the kernels gives to where the package has it.
import { writeFileSync } from 'node:fs';
import { compile, sourceOf } from './compile.mjs';

const binary = await compile();
writeFileSync(new URL('../src/kernels.ts', import.meta.url), sourceOf(binary));
console.log(`${binary.length} bytes`);
