import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { slug } from 'github-slugger';
import { defineConfig } from 'vitepress';
import { repositoryLinks } from '../src/markdown.ts';
import { NOT_PAGES, pageOf, REPOSITORY } from '../src/pages.ts';
import { SIDEBAR } from './sidebar.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const reference = new URL('../../../docs/api/typedoc-sidebar.json', import.meta.url);
const api = existsSync(reference) ? (JSON.parse(readFileSync(reference, 'utf8')) as []) : [];

// A warning of any part of the build is a failure of the build, said once more at its end.
const warnings = new Set<string>();
const warn = (message: string): void => {
  if (!warnings.has(message)) console.warn(message);
  warnings.add(message);
};
const logger = {
  hasWarned: false,
  info: (message: string) => console.log(message),
  warn,
  warnOnce: warn,
  error: (message: string) => console.error(message),
  clearScreen() {},
  hasErrorLogged: () => false,
};

// Pages lie outside of this package: while they are rendered, Vue is looked for here, not beside them.
const vueFromHere = {
  name: 'vue-from-here',
  enforce: 'pre' as const,
  resolveId: (id: string, _: string | undefined, { ssr }: { ssr?: boolean }) =>
    ssr && /^vue(?:\/|$)/.test(id) ? { id, external: true } : null,
};

export default defineConfig({
  title: '@sgd',
  description: "Keras 3's optimizers for JavaScript, exact to the bit, on whatever engine you have",
  srcDir: root,
  srcExclude: [...NOT_PAGES],
  rewrites: (file) => pageOf(file) ?? file,
  base: process.env.DOCS_BASE ?? '/',
  outDir: process.env.DOCS_OUT ?? fileURLToPath(new URL('dist', import.meta.url)),
  cleanUrls: false,
  ignoreDeadLinks: false,
  metaChunk: true,
  markdown: {
    anchor: { slugify: (text) => slug(text) }, // as on the repository's web view, so that links to headings work on both
    config: (md) => repositoryLinks(md, root),
  },
  vite: {
    customLogger: logger,
    plugins: [vueFromHere],
    build: { chunkSizeWarningLimit: 4000 }, // the index of the search
  },
  buildEnd() {
    if (warnings.size > 0) throw new Error(`${warnings.size} warnings:\n${[...warnings].join('\n')}`);
  },
  lang: 'en',
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: { '/api/': api, '/': SIDEBAR },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
  },
});
