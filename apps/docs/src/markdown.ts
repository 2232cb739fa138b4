import { existsSync, readFileSync } from 'node:fs';
import { posix, relative } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';
import { siteLink } from './pages.ts';

/** An SVG as part of a page: styled by the site, which knows whether it is dark, in place of its own style. */
function inline(svg: string, alt: string): string {
  const label = alt.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const bare = svg.replace(/<style>[\s\S]*?<\/style>/g, '').trim();
  return `<span class="figure" v-pre>${bare.replace('<svg ', `<svg role="img" aria-label="${label}" `)}</span>`;
}

/** Makes links that work in the repository work on the site, and puts its SVG pictures into the pages. */
export function repositoryLinks(md: MarkdownRenderer, root: string): void {
  const exists = (file: string): boolean => existsSync(posix.join(root, file));
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const { realPath, path } = env as { path: string; realPath?: string }; // the index of the search has no rewritten path
    const from = relative(root, realPath ?? path).replaceAll('\\', '/');
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.attrGet('href');
      if (token.type === 'link_open' && href) token.attrSet('href', siteLink(href, from, exists));
      const source = token.type === 'image' ? token.attrGet('src') : null;
      if (source?.endsWith('.svg') && !/^[a-z]+:/.test(source)) {
        const file = posix.join(posix.dirname(from), source);
        if (!exists(file)) throw new Error(`${from}: a picture ${source}, which is not there`);
        token.content = inline(readFileSync(posix.join(root, file), 'utf8'), token.content);
        token.type = 'html_inline';
        token.children = null;
      }
    }
  });
}
