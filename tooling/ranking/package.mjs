import { playerOf } from './rows.mjs';

/** The source of packages/auto/src/ranking.ts. Of TensorFlow.js there is nothing to choose, so nothing of it is in there. */
export function packageSource({ node, browser }) {
  const compact = (place) => {
    const { machine, runtime, rows } = place;
    const taken = rows.filter(({ name }) => !name.startsWith('tfjs:'));
    const elements = [...new Set(taken.flatMap(({ nanoseconds }) => Object.keys(nanoseconds).map(Number)))];
    const of = ({ name, nanoseconds }) => [name, elements.map((size) => nanoseconds[size] ?? null)];
    const software = taken.filter(({ device }) => device === 'software').map(({ name }) => name);
    const player = playerOf(place);
    const drawn = player === undefined ? '' : `; a program, ${player}, plays the GPU`;
    return {
      machine: `${machine}, ${runtime}${drawn}`,
      elements,
      nanoseconds: Object.fromEntries(taken.map(of)),
      software,
    };
  };
  const ranking = { node: node && compact(node), browser: browser && compact(browser) };
  return `// Written by \`npm run ranking\`. Not to be changed by hand.
import type { Figures } from './figures.ts';

export const RANKING: { readonly node?: Figures; readonly browser?: Figures } = ${JSON.stringify(ranking)};
`;
}
