/** Numbers of elements that are timed. */
export const SIZES = [10, 100, 1e3, 1e5, 1e6];

/** Who plays the GPU, in a word; `undefined`: nobody has to. */
export function playerOf({ renderer, rows }) {
  if (!rows.some(({ device }) => device === 'software')) return undefined;
  return /swiftshader|llvmpipe/i.exec(renderer)?.[0] ?? renderer;
}
