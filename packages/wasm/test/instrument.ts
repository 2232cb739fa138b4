import { compile, sources, textOf } from '../scripts/compile.mjs';

const COUNT = `
@external('env', 'stored')
export declare function stored(address: usize, bytes: usize): void;
`;
// everything that writes to memory, but for the fields of records: each of these is a statement of its own
const STORE = /\b(v128\.store(?:32_lane)?|store<f32>|memory\.copy|memory\.fill)\(([^;]*)\);/g;

/** The arguments of a call, from its text. */
function argumentsOf(text: string): string[] {
  const found = [''];
  let depth = 0;
  for (const c of text) {
    if (c === ',' && depth === 0) found.push('');
    else found[found.length - 1] += c;
    depth += '(<['.includes(c) ? 1 : ')>]'.includes(c) ? -1 : 0;
  }
  return found.map((argument) => argument.trim());
}

function counted(name: string, args: readonly string[]): [address: string, bytes: string] {
  const [to = '', second = '', third = '0'] = args;
  if (name === 'v128.store') return [`${to} + ${third}`, '16'];
  if (name.startsWith('memory')) return [to, name === 'memory.fill' || name === 'memory.copy' ? third : second];
  return [to, '4'];
}

/** The module with a call of \`env.stored(address, bytes)\` before each write, as the package would have it. */
export async function instrumented(): Promise<string> {
  const files: Record<string, string> = { 'count.ts': COUNT };
  for (const [name, text] of Object.entries(sources())) {
    const code = text.replaceAll(/\/\/.*|\/\*[^]*?\*\//g, '');
    let left = code;
    const made = code.replaceAll(STORE, (call, store: string, args: string) => {
      left = left.replace(call, '');
      const [address, bytes] = counted(store, argumentsOf(args));
      return `{ stored(${address}, ${bytes}); ${call} }`;
    });
    if (/\bstore\w*[<(]|\bmemory\./.test(left)) throw new Error(`${name}: a write that is not counted: ${left}`);
    files[name] = `import { stored } from './count';\n${made}`;
  }
  return textOf(await compile(files));
}
