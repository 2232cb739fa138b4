// The last step of the build: writes the goldens into `dist/goldens/texts.js`, one string a file.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const from = new URL('../goldens/', import.meta.url);
const to = new URL('../dist/goldens/texts.js', import.meta.url);
const quote = (text) =>
  `'${text.replace(/[\\'\n\r\u2028\u2029]/g, (c) => (c === '\n' ? '\\n' : c === '\r' ? '\\r' : c > '~' ? `\\u${c.charCodeAt(0).toString(16)}` : `\\${c}`))}'`;
const names = readdirSync(from)
  .filter((name) => name.endsWith('.json'))
  .sort();
const entries = names.map((name) => `  '${name}': ${quote(readFileSync(new URL(name, from), 'utf8'))},\n`);
writeFileSync(to, `export const texts = {\n${entries.join('')}};\n`);
rmSync(new URL(`${to}.map`), { force: true });
