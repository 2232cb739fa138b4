import { describe, expect, it } from 'vitest';
import { blocksOf, programsOf } from './snippets.ts';

const fence = '```';
const text = `# Title

${fence}ts
const a = 1;
${fence}

1. in a list
   ${fence}sh
   npm start
   ${fence}

${fence}ts continued
console.log(a);
${fence}
${fence}js no-run: it needs a browser to run in
document.title;
${fence}
`;

describe('blocksOf', () => {
  it('finds fenced blocks, their language, marker, place and code', () => {
    expect(blocksOf('a.md', text).map(({ language, marker, line, code }) => [language, marker, line, code])).toEqual([
      ['ts', '', 3, 'const a = 1;'],
      ['sh', '', 8, 'npm start'],
      ['ts', 'continued', 12, 'console.log(a);'],
      ['js', 'no-run: it needs a browser to run in', 15, 'document.title;'],
    ]);
  });

  it('refuses a block without an end', () => {
    expect(() => blocksOf('a.md', `${fence}ts\nlet x;`)).toThrow('a.md:1');
  });
});

describe('programsOf', () => {
  it('puts continued blocks behind what they continue', () => {
    const programs = programsOf(blocksOf('a.md', text));
    expect(programs.map(({ language }) => language)).toEqual(['ts', 'sh', 'js']);
    expect(programs[0]!.code).toBe('const a = 1;\nconsole.log(a);');
  });

  it('refuses a continued block with nothing before it', () => {
    expect(() => programsOf(blocksOf('a.md', `${fence}js continued\n1;\n${fence}`))).toThrow('a.md:1');
  });
});
