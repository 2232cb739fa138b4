import { SgdError } from '@sgd/core';

// Names come from models of strangers: a message has only so many of them, and of each only so much.
const LONGEST = 60;
const MOST = 8;

/** A name, or as much of it as fits into a message. */
export const quoted = (name: unknown): string => {
  const text = typeof name === 'symbol' ? 'a symbol' : String(name);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
};

/** The first names of some. */
export function listed(names: Iterable<string>): string {
  const first: string[] = [];
  for (const name of names) {
    if (first.length === MOST) {
      first.push('…');
      break;
    }
    first.push(quoted(name));
  }
  return first.join(', ') || 'none';
}

/** A shape. */
export const shapeText = (dims: readonly unknown[]): string =>
  `[${dims.slice(0, MOST).join()}${dims.length > MOST ? ',…' : ''}]`;

export const refuse: (message: string) => never = (message) => {
  throw new SgdError('SGD_INVALID_OPTION', message);
};
