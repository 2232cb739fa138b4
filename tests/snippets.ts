/** A fenced block of a Markdown file. */
export interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  /** What stands behind the language: `no-run: the reason`, `no-check: the reason`, `continued`. */
  readonly marker: string;
  readonly code: string;
}

/** The fenced blocks of a Markdown text, indented ones (in lists) included. */
export function blocksOf(file: string, markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const [, indent, fence, language, marker] = /^(\s*)(`{3,})([\w-]*)\s*(.*)$/.exec(lines[i]!) ?? [];
    if (fence === undefined) continue;
    const start = ++i;
    const end = lines.findIndex((line, j) => j >= start && line.trim() === fence);
    if (end < 0) throw new Error(`${file}:${start}: this block has no end`);
    const code = lines.slice(start, end).map((line) => (line.startsWith(indent!) ? line.slice(indent!.length) : line));
    blocks.push({ file, line: start, language: language!, marker: marker!.trim(), code: code.join('\n') });
    i = end;
  }
  return blocks;
}

/** Each block with `continued` blocks of the same language put behind the one that they continue. */
export function programsOf(blocks: readonly Block[]): Block[] {
  const programs: Block[] = [];
  for (const block of blocks) {
    if (block.marker !== 'continued') {
      programs.push(block);
      continue;
    }
    const before = programs.findLastIndex((p) => p.file === block.file && p.language === block.language);
    const first = programs[before];
    if (!first) throw new Error(`${block.file}:${block.line}: nothing before this block that it could continue`);
    programs[before] = { ...first, code: `${first.code}\n${block.code}` };
  }
  return programs;
}
