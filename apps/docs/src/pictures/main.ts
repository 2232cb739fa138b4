import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, pictures } from './pictures.ts';

// `npm run pictures`: draws the pictures of docs/, by running the optimizer
const all = await pictures();
mkdirSync(FOLDER, { recursive: true });
for (const file of readdirSync(FOLDER)) if (!all.has(file)) rmSync(join(FOLDER, file));
for (const [file, svg] of all) writeFileSync(join(FOLDER, file), svg);
console.log(`${all.size} pictures: ${FOLDER}`);
