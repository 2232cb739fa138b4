/**
 * The goldens that come with this package, as texts. From source they are read by Vite; the build writes a module that holds them
 * in this one's place, so that the package needs no file system, no bundler and no import attributes.
 */
export const texts: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(
    import.meta.glob<string>('../../goldens/*.json', { query: '?raw', import: 'default', eager: true }),
  ).map(([path, text]) => [path.slice(path.lastIndexOf('/') + 1), text]),
);
