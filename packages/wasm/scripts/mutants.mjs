// Wrong kernels: each differs from the source in one place.
import { sources } from './compile.mjs';

// What is put in the place of what. Each place that matches gives a mutant.
const rules = [
  [/f32x4\.add\(/g, 'f32x4.sub('],
  [/f32x4\.sub\(/g, 'f32x4.add('],
  [/f32x4\.mul\(/g, 'f32x4.add('],
  [/f32x4\.div\(/g, 'f32x4.mul('],
  [/f32x4\.pmin\(/g, 'f32x4.pmax('],
  [/f32x4\.pmax\(/g, 'f32x4.pmin('],
  [/f32x4\.pmin\(/g, 'f32x4.min('],
  [/f32x4\.max\(/g, 'f32x4.pmax('],
  [/f32x4\.max\(/g, 'f32x4.min('],
  [/f32x4\.neg\(limit\)/g, 'limit'],
  [/i32x4\.max_u\(/g, 'i32x4.min_u('],
  [/i32x4\.max_u\(/g, 'i32x4.max_s('],
  [/i32x4\.ge_u\(/g, 'i32x4.gt_u('],
  [/f64x2\.add\(/g, 'f64x2.sub('],
  [/f64x2\.sub\(/g, 'f64x2.add('],
  [/f64x2\.mul\(/g, 'f64x2.add('],
  [/v128\.and\(/g, 'v128.or('],
  [/\bmax\(/g, 'min('],
  [/\bmin<f32>\(/g, 'max<f32>('],
  [/\bsqrt\(/g, '('],
  [/ \+ /g, ' - '],
  [/ - /g, ' + '],
  [/(?<=\w) \* (?=\w)/g, ' + '],
  [/ < /g, ' <= '],
  [/ <= /g, ' < '],
  [/ > /g, ' >= '],
  [/ >> 1/g, ' >> 2'],
  [/ << 2/g, ' << 3'],
  [/ && /g, ' || '],
  [/ \|\| /g, ' && '],
  [/ \|= /g, ' = '],
  [/~31\b/g, '~15'],
  [/~63\b/g, '~127'],
  [/\b512\b/g, '256'],
  [/\b512\b/g, '1024'],
  [/\+= 64\b/g, '+= 32'],
  [/\+= 32\b/g, '+= 16'],
  [/\+= 16\b/g, '+= 32'],
  [/\+= 4\b/g, '+= 8'],
  [/(?<=[( ])32 <= /g, '36 <= '],
  [/(?<=, )16(?=[,)])/g, '0'],
  [/(?<=, )32(?=[,)])/g, '16'],
  [/(?<=, )48(?=[,)])/g, '32'],
  [/0x7f800000/g, '0x7f800001'],
  [/0x7f800000/g, '0x7f7fffff'],
  [/0x7fffffff/g, '-1'],
  [/options\(\) & (?:\w+|\([^)]*\))/g, '0'],
  [/options\(\) & (?:\w+|\([^)]*\))/g, '1'],
  [/\bflags & \w+/g, '0'],
  [/\bflags & \w+/g, '1'],
  [/!(?=[\w(])/g, ''],
  [/\? ([^:;]+) : ([^;)]+)/g, '? $2 : $1'],
  [/^ *(?:write|v128\.store|store<f32>|memory\.\w+|\w+|else \w+)\(.*\);$/gm, ''],
  [/^( *)(?:if .*) (memory\.\w+)\(.*\);$/gm, ''],
  [/0, 2, 4, 6/g, '0, 4, 2, 6'],
  [/1, 3, 5, 7/g, '1, 5, 3, 7'],
  [/(?<=sums, )\d/g, '1'],
  [/'scale'/g, "'count'"],
  [/'count'/g, "'scale'"],
  [/'keep'/g, "'mix'"],
  [/'mix'/g, "'keep'"],
  [/'limit'/g, "'inverse'"],
  [/'factor'/g, "'limit'"],
  [/'learningRate'/g, "'momentum'"],
  [/'momentum'/g, "'weightDecay'"],
  [/'weightDecay'/g, "'learningRate'"],
  [/'gradientSquares'/g, "'updateSquares'"],
  [/'updateSquares'/g, "'gradientSquares'"],
  [/\b1, 1\)/g, '0, 0)'],
  [/\b1, 0\)/g, '1, 1)'],
  [/ = true;/g, ' = false;'],
  [/ = false;/g, ' = true;'],
];

/** Comments and imports become blanks of the same length: nothing is changed in them. */
const blank = (text) =>
  text.replaceAll(/\/\/.*|\/\*[^]*?\*\/|^import [^]*?;$/gm, (part) => part.replaceAll(/[^\n]/g, ' '));

/** All mutants, in order of their places: the file, the line, what stood there, what stands there now, and all sources. */
export function mutants() {
  const files = sources();
  const found = new Map();
  for (const [file, text] of Object.entries(files)) {
    if (file === 'layout.ts') continue; // names for what the host knows by number
    const code = blank(text);
    for (const [pattern, replacement] of rules) {
      for (const match of code.matchAll(pattern)) {
        const to = match[0].replace(new RegExp(pattern.source, 'm'), replacement);
        const whole = pattern.source.includes('(?<') ? replacement : to;
        const changed = text.slice(0, match.index) + whole + text.slice(match.index + match[0].length);
        if (changed === text) continue;
        const line = text.slice(0, match.index).split('\n').length;
        found.set(changed, {
          file,
          line,
          from: match[0].trim(),
          to: whole.trim(),
          files: { ...files, [file]: changed },
        });
      }
    }
  }
  return [...found.values()];
}
