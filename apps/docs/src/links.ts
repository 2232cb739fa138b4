import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';

/** What was looked at, and each link that leads nowhere, as `page: link`. */
export interface LinkReport {
  readonly pages: number;
  readonly links: number;
  readonly broken: readonly string[];
}

/**
 * Looks at every `href` and `src` of every page of a built site: the file must be there, and the anchor in it. Links to other sites are
 * not followed.
 *
 * @param site - the folder of the built site
 * @param base - the path that the site is served under; begins and ends with "/"
 */
export function checkLinks(site: string, base: string): LinkReport {
  const pages = readdirSync(site, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.html'));
  const read = (file: string): string => readFileSync(join(site, file), 'utf8');
  const anchors = new Map<string, Set<string>>();
  const anchorsOf = (file: string): Set<string> => {
    const known = anchors.get(file) ?? new Set([...read(file).matchAll(/\sid="([^"]+)"/g)].map((match) => match[1]!));
    anchors.set(file, known);
    return known;
  };
  const broken: string[] = [];
  let links = 0;
  for (const page of pages) {
    for (const [, raw] of read(page).matchAll(/\s(?:href|src)="([^"]+)"/g)) {
      const link = raw!.replaceAll('&amp;', '&');
      if (/^(?:[a-z][\w+.-]*:|\/\/)/i.test(link)) continue;
      links++;
      const problem = problemOf(link, page, site, base, anchorsOf);
      if (problem !== null) broken.push(`${page}: ${link} (${problem})`);
    }
  }
  return { pages: pages.length, links, broken };
}

function problemOf(
  link: string,
  page: string,
  site: string,
  base: string,
  anchorsOf: (file: string) => Set<string>,
): string | null {
  const [path, hash] = link.split('#') as [string, string?];
  const bare = decodeURIComponent(path.split('?')[0]!);
  if (bare.startsWith('/') && !bare.startsWith(base)) return 'outside of the site';
  const inside = bare.startsWith('/') ? bare.slice(base.length) : posix.join(posix.dirname(page), bare);
  let file = bare === '' ? page : inside;
  if (existsSync(join(site, file)) && statSync(join(site, file)).isDirectory()) file = posix.join(file, 'index.html');
  if (!existsSync(join(site, file))) return 'no such page';
  if (!hash || !file.endsWith('.html') || anchorsOf(file).has(decodeURIComponent(hash))) return null;
  return 'no such anchor';
}
