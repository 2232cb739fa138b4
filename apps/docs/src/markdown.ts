import { existsSync } from 'node:fs';
import { posix, relative } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';
import { siteLink } from './pages.ts';

/** Makes links that work in the repository work on the site. */
export function repositoryLinks(md: MarkdownRenderer, root: string): void {
  const exists = (file: string): boolean => existsSync(posix.join(root, file));
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const { realPath, path } = env as { path: string; realPath?: string }; // the index of the search has no rewritten path
    const from = relative(root, realPath ?? path).replaceAll('\\', '/');
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.attrGet('href');
      if (token.type === 'link_open' && href) token.attrSet('href', siteLink(href, from, exists));
    }
  });
}
