import { posix } from 'node:path';

/** Where the repository is on the web: what the site does not show is linked there. */
export const REPOSITORY = 'https://github.com/sgd-js/sgd';

/** Files of the repository that are pages, by what they are called on the site. Everything else is only linked to. */
const PAGES: readonly (readonly [RegExp, string])[] = [
  [/^docs\/(.+)$/, '$1'],
  [/^packages\/([\w-]+)\/README\.md$/, 'packages/$1.md'],
  [/^apps\/bench\/README\.md$/, 'bench.md'],
  [/^CONTRIBUTING\.md$/, 'contributing.md'],
];

/** The page that a Markdown file of the repository is, as a path in the site, or `undefined` where it is none. */
export function pageOf(file: string): string | undefined {
  if (file === 'README.md') return 'index.md';
  const found = file.endsWith('.md') ? PAGES.find(([pattern]) => pattern.test(file)) : undefined;
  return found && file.replace(...found).replace(/(^|\/)README\.md$/, '$1index.md');
}

/** Markdown that is no page: globs for VitePress, which looks for pages in the whole repository. */
export const NOT_PAGES: readonly string[] = [
  'README.*.md',
  '.*/**',
  'examples/**',
  'tests/**',
  'tooling/**',
  'apps/!(bench)/**',
  'apps/bench/*/**',
  'packages/*/!(README).md',
  'packages/*/*/**',
];

/**
 * Where a link in a file of the repository leads on the site: to a page, or to the file in the repository on the web. Links with a
 * scheme, to anchors and from the root stay.
 *
 * @param from - the file that the link stands in, from the root of the repository
 * @param exists - whether there is such a file or folder in the repository
 * @throws Error a link to what does not exist
 */
export function siteLink(href: string, from: string, exists: (file: string) => boolean): string {
  if (/^(?:[a-z][\w+.-]*:|#|\/)/i.test(href)) return href;
  const [path, hash] = href.split('#') as [string, string?];
  const file = posix.join(posix.dirname(from), decodeURI(path)).replace(/\/$/, '');
  if (!exists(file)) throw new Error(`${from}: a link to ${href}, which is not there`);
  const page = pageOf(file) ?? pageOf(`${file}/README.md`);
  const anchor = hash === undefined ? '' : `#${hash}`;
  if (page !== undefined && (file.endsWith('.md') || exists(`${file}/README.md`))) return `/${page}${anchor}`;
  return `${REPOSITORY}/blob/main/${file}${anchor}`;
}
